"""The configuration: what may be written, what is refused and with which sentence, and who wins."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import ConfigRefused
from engine.config.example import example
from engine.config.layers import Layers
from engine.config.loaded import Source
from engine.config.options import LadderPart, LimitsPart, Options
from engine.config.paths import find_paths
from engine.config.reading import default_file, effective, faults_of, read_options
from engine.config.sentences import must_be
from engine.core.settings import Ladder, Limits, Settings, Window

Reads = Callable[[str], tuple[Options, Layers]]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("RATCHET_"):
            monkeypatch.delenv(name)


@pytest.fixture
def read(tmp_path: Path) -> Reads:
    def reads(text: str) -> tuple[Options, Layers]:
        file = tmp_path / "config.toml"
        file.write_text(text, encoding="utf-8")
        return read_options(file, {})

    return reads


def refusal(read: Reads, text: str) -> str:
    with pytest.raises(ConfigRefused) as refused:
        read(text)
    assert len(refused.value.sentences) == 1
    return refused.value.sentences[0]


def test_an_empty_file_is_the_defaults(read: Reads) -> None:
    assert read("")[0].settings() == Settings(account="main")


def test_the_example_is_complete_and_equals_the_defaults(read: Reads) -> None:
    assert read(example())[0] == Options()


def test_every_option_of_the_core_can_be_written_and_no_other() -> None:
    assert set(LadderPart.model_fields) == set(Ladder.__struct_fields__)
    assert set(LimitsPart.model_fields) == set(Limits.__struct_fields__)
    assert Options().settings() == Settings(account="main")


def test_every_option_stands_in_the_example_with_its_bounds() -> None:
    text = " ".join(line.lstrip("# ") for line in example().splitlines())
    for part in ("ladder", "limits"):
        table = Options.model_fields[part].annotation
        assert table is not None
        for name in table.model_fields:  # type: ignore[attr-defined]
            assert f" {name} = " in text
            bounds = must_be((part, name))
            assert bounds == "true or false" or bounds[1:] in text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0", "got 0"),
        ("-0.1", "got -0.1"),
        ("nan", "got nan"),
        ("inf", "got infinity"),
        ("1", 'got 1: for 1 % write 0.01 or "1 %"'),
        ("20", 'got 20: for 20 % write 0.2 or "20 %"'),
        ('""', "got nothing"),
        ('"off"', 'got "off"'),
        ('"0 %"', 'got "0 %"'),
        ('"120 %"', 'got "120 %"'),
        ('"nan"', 'got "nan"'),
        ("false", "got false"),
        ("true", "got true"),
        ("[]", "got []"),
    ],
)
@pytest.mark.parametrize(("name", "unit"), [("daily_loss", "fraction of the day's first equity, 00:00 UTC")])
def test_a_limit_is_never_off(read: Reads, name: str, unit: str, text: str, sentence: str) -> None:
    told = refusal(read, f"[limits]\n{name} = {text}\n")
    expected = f"config.toml line 2: limits.{name} must be a number above 0 and below 1 ({unit}), {sentence}"
    assert told == expected


@pytest.mark.parametrize("name", sorted(set(Limits.__struct_fields__) - {"windows"}))
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", '""', "false", "[]", '"none"'])
def test_no_limit_takes_zero_less_or_nothing(read: Reads, name: str, value: str) -> None:
    assert f"limits.{name} must be" in refusal(read, f"[limits]\n{name} = {value}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[limits]\nmax_cycles = 2.5",
            "line 2: limits.max_cycles must be a whole number of at least 1 and at most 20 (cycles), got 2.5",
        ),
        ("[limits]\ndaily_los = 0.1", "line 2: unknown option limits.daily_los: did you mean daily_loss?"),
        ("[limitz]\ndaily_loss = 0.1", "line 1: unknown option limitz: did you mean limits?"),
        (
            "\n[ladder]\n\ndaily_loss = 0.1",
            "line 4: unknown option ladder.daily_loss: daily_loss belongs under [limits]",
        ),
        ("[engine]\nzzz = 1", "line 2: unknown option engine.zzz: here are known read_only"),
        ("limits = 3", "line 1: limits must be a table: write [limits] and its options below, got 3"),
        (
            'ladder.stops = "leg_nett"',
            'line 1: ladder.stops must be one of "leg_entry", "leg_net", "cycle_breakeven", '
            '"previous_entry", got "leg_nett": did you mean "leg_net"?',
        ),
        (
            '[ladder]\nadd = "percent_of_equity"\nadd_fraction = 0.9',
            "line 1: ladder add_fraction 0.9 is more than max_cycle_margin 0.5: no rung could ever run; "
            "lower the first or raise the second",
        ),
        ("[managed]\nBTC = 20", "line 1: managed 'BTC' is not a USDT perpetual; write it like BTCUSDT"),
        (
            "[managed]\nBTCUSDT = 0",
            "line 2: managed.BTCUSDT must be a whole leverage from 1 to 150, as in BTCUSDT = 20, got 0",
        ),
        (
            "[desk]\nbell = ['loud']",
            'line 2: desk.bell must be a list of "money", "warning", "urgent" (classes of the log), '
            'got "loud"',
        ),
        ("[desk.themes]\nlive = 3", "line 2: desk.themes.live must be a text, got 3"),
        (
            "[ladder]\nroe = 1e400",
            "line 2: ladder.roe must be a number above 0 and at most 10 (fraction of the leg's margin)",
        ),
        ("[managed]", "line 1: managed names no symbol: write at least one, like BTCUSDT = 20"),
        (
            "[managed]\n'BTC/USDT:USDT' = 20\nBTCUSDT = 20",
            "line 1: managed names a symbol twice, in two spellings: keep one",
        ),
        ("managed = 1", "line 1: managed must be a table: write [managed], then BTCUSDT = 20, got 1"),
        (
            "[limits]\nwindows = ['Mon 22-23']",
            "line 2: limits.windows 'Mon 22-23' is not a span of the week; "
            'write "Sun 22:00 - Fri 21:00" or "Mon-Fri 08:00-22:00"',
        ),
        (
            "[limits]\nwindows = 'Mon'",
            'line 2: limits.windows must be a list of texts (spans of the week, UTC), got "Mon"',
        ),
        (
            "[bitget]\nurl = 'http://example.org'",
            "line 2: bitget.url must be an https:// address, or an http:// one on this machine; "
            "a port is 1 to 65535",
        ),
        ("account = 'a b'", "line 1: account must be a name of 1 to 20 letters, digits, - and _"),
        ("[desk]\nmouse = 3", "line 2: desk.mouse must be true or false, got 3"),
        ("[desk.keys]\nhalt = 3", "line 2: desk.keys.halt must be a text, got 3"),
    ],
)
def test_each_mistake_has_its_sentence(read: Reads, text: str, sentence: str) -> None:
    assert sentence in refusal(read, text)


def test_all_mistakes_are_told_at_once(read: Reads) -> None:
    with pytest.raises(ConfigRefused) as refused:
        read("[limits]\ndaily_loss = 0\nkill_below = 0\nmax_cycle = 1\n[ladder]\nroe = -1")
    assert len(refused.value.sentences) == 4


def test_a_file_that_is_not_toml_is_told_with_its_place_and_not_its_text(read: Reads) -> None:
    told = refusal(read, "[bitget]\nsecret = SuperSecret77\n")
    assert "line 2, column 10" in told
    assert "SuperSecret77" not in told


def test_a_file_that_is_absent_binary_or_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"there is no configuration at .*ratchet config example"):
        read_options(tmp_path / "absent.toml", {})
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigRefused, match="is not UTF-8 text"):
        read_options(tmp_path / "b.toml", {})
    with pytest.raises(ConfigRefused, match="is a folder, and the configuration is a file"):
        read_options(tmp_path, {})


def test_a_configuration_that_cannot_be_looked_at_is_never_taken_for_none(tmp_path: Path) -> None:
    """With the defaults an engine would trade by other limits than the trader's."""
    paths = find_paths(str(tmp_path), {})
    assert default_file(paths) is None
    (tmp_path / "config.toml").symlink_to(tmp_path / "not mounted" / "config.toml")
    with pytest.raises(ConfigRefused, match="there is no configuration at"):
        read_options(default_file(paths), {})
    unseen = default_file(paths._replace(config=tmp_path / ("x" * 300)))
    with pytest.raises(ConfigRefused, match="cannot be read"):
        read_options(unseen, {})


def test_what_is_written_twice_is_told_with_both_lines(read: Reads) -> None:
    twice = "config.toml line {} names what line {} has named already: keep one of the two"
    assert refusal(read, "[ladder]\nroe = 1\nroe = 2") == twice.format(3, 2)
    assert refusal(read, "[ladder]\nroe = 1\n[limits]\n[ladder]\nnet = true") == twice.format(4, 1)
    assert refusal(read, "ladder.roe = 1\n[ladder]\nroe = 2") == twice.format(3, 1)


def test_the_mark_that_some_editors_put_first_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[ladder]\r\nmax_rungs = 3\r\n")
    assert read_options(tmp_path / "config.toml", {})[0].ladder.max_rungs == 3


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999", "http://[::1", "https://:1", "http://127.0.0.1:0", "http://x", "127.0.0.1:1"],
)
def test_an_address_that_none_can_be_is_refused_here_and_not_by_the_engine(read: Reads, url: str) -> None:
    told = refusal(read, f"[bitget]\nurl = '{url}'")
    assert told.startswith("config.toml line 2: bitget.url must be an https:// address, or an http:// one")


def test_a_bot_without_its_user_or_its_chat_is_told(read: Reads) -> None:
    options, _ = read("[telegram]\nuser = 7")
    assert faults_of(options)[0].startswith("telegram.chat is missing: ")
    options, _ = read("[telegram]\nchat = -7")
    assert faults_of(options)[0].startswith("telegram.user is missing: ")
    assert faults_of(read("[telegram]\nuser = 7\nchat = -7")[0]) == ()


def test_a_user_of_the_bot_is_a_person_and_in_the_chat(read: Reads) -> None:
    assert refusal(read, "[telegram]\nuser = -3\nchat = -3") == (
        "config.toml line 2: telegram.user must be a whole number of at least 0 (Telegram's user id, as "
        "`ratchet telegram setup` finds it)"
    )
    assert refusal(read, "[telegram]\nuser = 7\nchat = 8").startswith(
        "config.toml line 1: telegram has a chat of another person than its user: your own chat"
    )
    assert read("[telegram]\nuser = 7\nchat = 7")[0].telegram.chat == 7


def test_leverage_is_whole_as_it_is_at_bitget(read: Reads) -> None:
    assert refusal(read, "[managed]\nBTCUSDT = 20.5\n") == (
        "config.toml line 2: managed.BTCUSDT must be a whole leverage from 1 to 150, as in BTCUSDT = 20, "
        "got 20.5"
    )
    [managed] = read("[managed]\nBTCUSDT = 20.0\n")[0].settings().managed
    assert (managed.leverage, type(managed.leverage)) == (Decimal(20), Decimal)


@pytest.mark.parametrize("name", ["key", "secret", "passphrase"])
@pytest.mark.parametrize(
    "written", ["SuperSecret77", "bg_SuperSecret77", "env:Super Secret77", "file:/SuperSecret77"]
)
def test_a_secret_in_the_file_is_refused_without_repeating_it(read: Reads, name: str, written: str) -> None:
    told = refusal(read, f"[bitget]\n{name} = {written!r}")
    assert told.startswith(f"config.toml line 2: bitget.{name} holds something that is not a reference.")
    assert "make a new one where it came from" in told
    assert "Secret77" not in told


def test_a_secret_under_a_wrong_name_is_not_repeated_either(read: Reads) -> None:
    told = refusal(read, "[bitget]\napi_secret = 'SuperSecret77'")
    assert told == "config.toml line 2: unknown option bitget.api_secret: did you mean secret?"
    assert "SuperSecret77" not in refusal(read, "[bitget]\ndemo = 'SuperSecret77'")
    assert "SuperSecret77" not in refusal(read, "account = 'SuperSecret77 SuperSecret77'")


def test_numbers_are_exact_whether_written_as_number_or_percent(read: Reads) -> None:
    for written in ("0.1", '"10 %"', '"10%"', '"0.10"', "1e-1"):
        value = read(f"[limits]\ndaily_loss = {written}")[0].limits.daily_loss
        assert value * 3 == Decimal("0.3")


@pytest.mark.parametrize("written", ["0_1", "١", "1_0 %", "٢٠ %"])
def test_a_number_in_other_digits_or_with_more_than_digits_is_none(read: Reads, written: str) -> None:
    assert "daily_loss" in refusal(read, f'[limits]\ndaily_loss = "{written}"')


def test_symbols_may_be_written_in_any_spelling(read: Reads) -> None:
    options, _ = read("[managed]\n'btc/usdt:usdt' = 25\nETH-USDT = 50")
    assert options.managed == {"BTCUSDT": Decimal(25), "ETHUSDT": Decimal(50)}


def test_own_symbols_replace_the_default_ones(read: Reads) -> None:
    assert [each.symbol for each in read("[managed]\nSOLUSDT = 10")[0].settings().managed] == ["SOLUSDT"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon 00:00 - Fri 22:00", [(0, 4 * 1440 + 1320)]),
        ("Sun 22:00 - Fri 21:00", [(6 * 1440 + 1320, 7 * 1440), (0, 4 * 1440 + 1260)]),
        ("Mon 00:00 - Sun 24:00", None),
        ("Sat-Sun 10:00-12:00", [(5 * 1440 + 600, 5 * 1440 + 720), (6 * 1440 + 600, 6 * 1440 + 720)]),
        ("wednesday 00:00-24:00", [(2 * 1440, 3 * 1440)]),
        ("Sun 22:00-02:00", [(6 * 1440 + 1320, 7 * 1440), (0, 120)]),
        ("Fri-Mon 00:00-01:00", [(d * 1440, d * 1440 + 60) for d in (4, 5, 6, 0)]),
    ],
)
def test_spans_of_the_week_become_windows(
    read: Reads, text: str, expected: list[tuple[int, int]] | None
) -> None:
    if expected is None:
        assert "ends when it begins" in refusal(read, f"[limits]\nwindows = [{text!r}]")
        return
    windows = read(f"[limits]\nwindows = [{text!r}]")[0].settings().limits.windows
    assert windows == tuple(Window(*each) for each in expected)
    assert all(each.start < each.end for each in windows)


def test_an_option_beats_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[bitget]\nurl = 'http://127.0.0.1:1'\n[limits]\nmax_cycles = 3\ndaily_loss = 0.1\n")
    monkeypatch.setenv("RATCHET_LIMITS__MAX_CYCLES", "4")
    monkeypatch.setenv("RATCHET_BITGET__URL", "http://127.0.0.1:2")
    options, layers = read_options(file, {"bitget": {"url": "http://127.0.0.1:3"}})
    told = {each.name: each for each in effective(options, layers)}
    assert (told["bitget.url"].value, told["bitget.url"].source) == ('"http://127.0.0.1:3"', Source.OPTION)
    cycles = told["limits.max_cycles"]
    assert (cycles.value, cycles.source, cycles.where) == (
        "4",
        Source.ENVIRONMENT,
        "RATCHET_LIMITS__MAX_CYCLES",
    )
    loss = told["limits.daily_loss"]
    assert (loss.value, loss.source, loss.where) == ("0.1", Source.FILE, "config.toml line 5")
    assert told["limits.kill_below"].source is Source.DEFAULT


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("RATCHET_LIMITS__DAILY_LOSS", "0", "RATCHET_LIMITS__DAILY_LOSS: limits.daily_loss must be"),
        ("RATCHET_LIMITS__DAILY_LOSS", "", "got nothing"),
        ("RATCHET_LIMITS_DAILY_LOSS", "0.1", "write RATCHET_LIMITS__DAILY_LOSS, with two underscores"),
        ("RATCHET_LIMIT__DAILY_LOSS", "0.1", "names no table of the configuration"),
        ("RATCHET_LIMITS__DAILY_LOS", "0.1", "did you mean daily_loss?"),
        ("RATCHET_LIMITS__WINDOWS", "Mon", "RATCHET_LIMITS__WINDOWS is a list or a table and is not JSON"),
        ("RATCHET_BITGET__SECRET", "SuperSecret77", "bitget.secret holds something that is not a reference"),
    ],
)
def test_a_variable_that_is_wrong_is_never_ignored(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigRefused) as refused:
        read_options(None, {})
    assert sentence in str(refused.value)
    assert "SuperSecret77" not in str(refused.value)


def test_a_managed_symbol_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_MANAGED__SOLUSDT", "10")
    assert read_options(None, {})[0].managed == {"SOLUSDT": Decimal(10)}


fractions = st.decimals("0.0001", "0.05", places=4)


@settings(max_examples=60)
@given(
    loss=fractions,
    guard=fractions,
    rungs=st.integers(1, 100),
    age=st.decimals("0.1", "60", places=1),
    percent=st.booleans(),
)
def test_what_is_written_is_what_holds(
    loss: Decimal, guard: Decimal, rungs: int, age: Decimal, percent: bool
) -> None:
    def written(value: Decimal) -> str:
        return f'"{value * 100} %"' if percent else f"{value}"

    text = example()
    for name, value in {
        "daily_loss": written(loss),
        "guard": written(guard),
        "max_rungs": rungs,
        "tick_age_s": age,
    }.items():
        before = next(line for line in text.splitlines() if line.startswith(f"{name} = "))
        text = text.replace(before, f"{name} = {value}")
    got = Options(**tomllib.loads(text, parse_float=Decimal)).settings()
    expected = Settings(
        account="main",
        ladder=msgspec.structs.replace(Ladder(), guard=guard, max_rungs=rungs),
        limits=msgspec.structs.replace(Limits(), daily_loss=loss, tick_age_s=age),
    )
    assert got == expected


@settings(max_examples=100)
@given(text=st.text(max_size=60))
def test_no_text_breaks_the_reader_or_comes_back_out_of_it(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_bytes(f"[bitget]\n{text}".encode(errors="surrogatepass"))
        try:
            read_options(file, {})
        except ConfigRefused as refused:
            assert refused.sentences


@pytest.mark.parametrize("word", ['"yes"', "1", '"on"', "0"])
def test_a_switch_is_true_or_false_and_nothing_that_may_mean_it(read: Reads, word: str) -> None:
    told = refusal(read, f"[desk]\nascii = {word}\n")
    assert told == f"config.toml line 2: desk.ascii must be true or false, got {word}"


def test_a_variable_says_true_or_false_too(read: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET_DESK__ASCII", "True")
    assert read("")[0].desk.ascii is True
    monkeypatch.setenv("RATCHET_DESK__ASCII", "yes")
    assert "desk.ascii must be true or false" in refusal(read, "")
