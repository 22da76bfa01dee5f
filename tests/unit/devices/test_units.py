import pytest

from devices.units import conversion, likely


@pytest.mark.parametrize(
    ("channel", "unit", "of_5000"),
    [
        ("energy_kwh", "mWh", 0.005),
        ("energy_kwh", "MWh", 5_000_000),
        ("energy_kwh", "MWH", 5_000_000),
        ("energy_kwh", "Mwh", 5_000_000),
        ("energy_kwh", "MW·h", 5_000_000),
        ("heat_kwh", "MJ", 5_000 / 3.6),
        ("heat_kwh", "mj", 5_000 / 3.6),
        ("heat_kwh", "Mcal", 5_815),
        ("power_w", "mW", 5),
        ("power_w", "MW", 5e9),
        ("water_l", "ml", 5),
        ("water_l", "mL", 5),
        ("water_l", "kL", 5e6),
        ("voltage_v", "mV", 5),
        ("battery_v", "mv", 5),
        ("current_a", "mA", 5),
    ],
)
def test_a_thousandth_is_not_taken_for_a_million(channel: str, unit: str, of_5000: float) -> None:
    convert = conversion(channel, unit)
    assert convert is not None
    assert convert(5_000) == pytest.approx(of_5000)


@pytest.mark.parametrize(
    ("channel", "unit"),
    [
        *(("energy_kwh", "mwh"), ("power_w", "mw"), ("voltage_v", "MV"), ("current_a", "MA")),
        ("heat_kwh", "mJ"),
        # A million litres are nobody's register; makers who write all in capitals mean thousandths.
        *(("water_l", "Ml"), ("water_l", "ML")),
    ],
)
def test_what_may_be_a_thousandth_or_a_million_is_neither(channel: str, unit: str) -> None:
    assert conversion(channel, unit) is None


@pytest.mark.parametrize(
    "unit", ["kWh", "kwh", "KWH", "Kwh", "KWh", "kW·h", "kW*h", "kw-h", "[kWh]", " k W h "]
)
def test_every_case_of_the_usual_units_is_taken(unit: str) -> None:
    convert = conversion("energy_kwh", unit)
    assert convert is not None
    assert convert(5) == 5


@pytest.mark.parametrize("unit", ["m3", "M3", "m³", "M³", "m^3", "M^3"])
def test_a_cubic_metre_is_no_million(unit: str) -> None:
    convert = conversion("water_l", unit)
    assert convert is not None
    assert convert(5) == 5_000


@pytest.mark.parametrize(
    ("unit", "number", "wanted"),
    [
        ("mwh", 250_000, "mWh"),
        ("mwh", 0, "mWh"),
        ("mwh", 5_000, "mwh"),
        ("mwh", 12.5, "mwh"),
        ("mw", 2_500, "mW"),
        ("mw", 0.5, "mw"),
        ("MWh", 5_000, "MWh"),
        ("mWh", 5, "mWh"),
        ("kwh", 5_000, "kwh"),
    ],
)
def test_a_number_tells_a_thousandth_from_a_million_only_where_one_is_impossible(
    unit: str, number: float, wanted: str
) -> None:
    assert likely(unit, number) == wanted
