"""The engine at work: one owner of the state, who carries decisions out, reconciles and watches."""
