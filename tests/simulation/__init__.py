"""The proof: the real engine on a simulated exchange in virtual time, with everything that can go wrong going
wrong.
"""
