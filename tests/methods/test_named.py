"""Methods by name: what is accepted rebuilds an equal method, all else is refused soon and in a sentence."""

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrascope as ps
from pictures import noise
from pyrascope.allocation.difficulty import Complexity, Glance
from pyrascope.allocation.importance import BandEnergy, Fixation, Saliency, Weighted
from pyrascope.methods.named import METHODS, UNAIDED, method_from

MADE = [
    *(kind() for kind in UNAIDED.values()),
    *(ps.methods.RateDistortion(*options) for options in itertools.product((1, 2, 4), ("recursive", "direct"))),
    ps.methods.Random(seed=7),
    ps.methods.Random(seed=2**70),
    ps.methods.SaliencyPyramid(levels=2, weights=(1, 2.5)),
    ps.methods.ProgressiveLevels(shares=(1, 0.5), tokens_per_region=(16, 100)),
    ps.methods.DifficultyTiers(difficulty=Complexity(), thresholds=(0.1,), budgets=((1, 2), (3, 4, 5))),
    ps.methods.RegionTiers(tokens=(9,), thresholds=()),
    ps.methods.DynamicPyramid(difficulty=Glance(of=Complexity(weights=(1, 0, 0)), side=32)),
    ps.methods.AdaptiveDepth(method=ps.methods.RateDistortion(aspect=1), depths=(1, 2, 3)),
]


def refused(text, match="method"):
    begin = time.monotonic()
    with pytest.raises(ValueError, match=match) as caught:
        method_from(text)
    assert time.monotonic() - begin < 1
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400, f"{len(message)} characters: {message[:200]}..."


@pytest.mark.parametrize("method", MADE, ids=repr)
def test_the_string_of_a_plan_rebuilds_its_method(method):
    plan = ps.plan(noise(1, 20, 28), 3, method, cell=8)
    again = method_from(plan.method)
    assert type(again) is type(method)
    assert again == method
    assert ps.plan(noise(1, 20, 28), 3, again, cell=8) == plan


@pytest.mark.parametrize("name", METHODS)
def test_names_give_the_default_method(name):
    kind = METHODS[name]
    spaced = [f" {name}\n", f"{kind.__name__} ( )", f"{name}()"]
    assert [method_from(text) for text in (name, kind.__name__, *spaced)] == [kind()] * 5
    kebab = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("-")
    assert name == kebab
    assert getattr(ps.methods, kind.__name__) is kind


def test_every_public_method_has_a_name():
    public = {getattr(ps.methods, name) for name in ps.methods.__all__}
    assert {kind for kind in public if isinstance(kind, type)} == set(METHODS.values())


@pytest.mark.parametrize(
    "text", ["rate-distortion(aspect=1)", "RateDistortion( aspect = 1 , )", "RateDistortion(aspect=+1)"]
)
def test_options_may_be_spaced(text):
    assert method_from(text) == ps.methods.RateDistortion(aspect=1)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("uniforn", "uniform"),
        ("Unifrom()", "uniform"),
        ("RATE-DISTORTION", "rate-distortion"),
        ("ratedistortion", "rate-distortion"),
        ("randm(seed=1)", "random"),
        ("resise", "resize"),
        ("frequenzy", "frequency"),
    ],
)
def test_the_near_name_is_suggested(text, near):
    refused(text, f"method must be one of rate-distortion, .*; did you mean {near}\\?")


@pytest.mark.parametrize(
    "text", ["", " ", "5", "()", "xyz", "random seed", "random)", "random(", "Random)(", "\0", "é", "🙂"]
)
def test_other_names_list_all(text):
    refused(text, "method must be one of " + ", ".join(METHODS))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("Random(sed=1)", "Random has the options seed, got 'sed'"),
        ("Uniform(seed=1)", "Uniform has no options, got 'seed'"),
        ("RateDistortion(seed=1)", "RateDistortion has the options aspect, gain, got 'seed'"),
        ("Random(__class__=1)", "Random has the options seed"),
        ("Random(1)", "name=value"),
        ("Random(seed)", "name=value"),
        ("Random(seed=)", "name=value"),
        ("Random(seed==1)", "name=value"),
        ("Random(*[1])", "name=value"),
        ("Random(**{'seed': 1})", "name=value"),
        ("Random(seed=1; seed=2)", "name=value"),
        ("Random(seed=1, seed=2)", "name=value"),
        ("Random(seed=1 # )", "name=value"),
        ("Random(seed=1) # )", "name=value"),
        ("Random(seed=-1)", "seed must be a whole number >= 0, got -1"),
        ("Random(seed=1.5)", "seed must be a whole number >= 0, got 1.5"),
        ("Random(seed='1')", "seed must be a whole number >= 0, got '1'"),
        ("Random(seed=True)", "seed must be a whole number >= 0, got True"),
        ("Random(seed=None)", "seed must be a whole number >= 0, got None"),
        ("RateDistortion(aspect=3)", "aspect must be 1, 2 or 4, got 3"),
        ("RateDistortion(aspect=True)", "aspect must be 1, 2 or 4, got True"),
        ("RateDistortion(aspect='4')", "aspect must be 1, 2 or 4, got '4'"),
        ("RateDistortion(aspect=4.0)", "aspect must be 1, 2 or 4, got 4.0"),
        ("RateDistortion(aspect=[1])", r"aspect must be 1, 2 or 4, got \[1\]"),
        ("RateDistortion(aspect={})", "aspect must be 1, 2 or 4, got {}"),
        ("RateDistortion(gain='best')", "gain must be one of 'recursive', 'direct', got 'best'"),
        ("RateDistortion(gain=['direct'])", "gain must be one of 'recursive', 'direct', got"),
        ("RateDistortion(gain=None)", "gain must be one of 'recursive', 'direct', got None"),
    ],
)
def test_wrong_options_are_refused(text, match):
    refused(text, match)


NESTED = [
    ps.methods.NeverWorse(method=ps.methods.RateDistortion(aspect=1)),
    ps.methods.NeverWorse(ps.methods.WithContext(ps.methods.NeverWorse(ps.methods.Random(5)), share=0.25)),
    ps.methods.Mixture((ps.methods.Uniform(), ps.methods.Random(2)), (1, 3)),
    ps.methods.Foveated(Fixation(count=3), weight=Weighted((Saliency(), BandEnergy(levels=2)), (1.0, 2.0))),
]


@pytest.mark.parametrize("method", NESTED, ids=lambda method: type(method).__name__)
def test_methods_within_methods_are_rebuilt(method):
    assert method_from(repr(method)) == method
    plan = ps.plan(noise(1, 20, 28), 3, method, cell=8)
    assert ps.plan(noise(1, 20, 28), 3, method_from(plan.method), cell=8) == plan


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("NeverWorse(method=RateDistorsion())", r"got 'RateDistorsion'; did you mean RateDistortion"),
        ("Foveated(weight=Salience())", r"got 'Salience'; did you mean .*Saliency"),
        ("NeverWorse(method=Random(sed=1))", "method Random has the options seed, got 'sed'"),
        ("NeverWorse(method=Random(seed=-1))", "method Random has an option that does not fit: seed must be"),
        ("NeverWorse(method=Random(1))", "name=value"),
        ("NeverWorse(method=Random)", "name=value"),
        ("NeverWorse(method=1)", "method must be a method, made, such as RateDistortion\\(\\), got 1"),
        ("Foveated(gaze=Random())", r"gaze must be a Fixation.*got Random\(seed=0\)"),
        ("Random(seed=Random())", r"seed must be a whole number >= 0, got Random\(seed=0\)"),
        ("Foveated(gaze=Fixation(levels=2))", "Fixation has the options e0, .*got 'levels'"),
        ("Mixture(methods=(Uniform(), open('owned', 'w')))", "name=value"),
        ("Mixture(methods=(Uniform(), open()))", "got 'open'"),
        ("Mixture(methods=[Uniform(), Plan()])", "got 'Plan'"),
        ("NeverWorse(method=ps.Random())", "name=value"),
        ("NeverWorse(method=Random()())", "name=value"),
        ("NeverWorse(criterion={'a': Random()})", "name=value"),
        ("NeverWorse(method=" * 13 + "Random()" + ")" * 13, "name=value"),
        ("Mixture(methods=(" + "Random(), " * 3000 + "))", "at most 20000 are read"),
    ],
    ids=lambda text: text[:40],
)
def test_wrong_parts_are_refused(text, match, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(text, match)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "__import__('os').system('touch owned')",
        "os.system('touch owned')",
        "Random(seed=__import__('os').system('touch owned'))",
        "Random(seed=(1).__class__)",
        "Random(seed=(lambda: 1)())",
        "Random(seed=[x for x in (1,)])",
        "Random(seed=seed)",
        "Random(seed:=1)",
        "Random(seed=1) or exec('1')",
        "Random(seed=1)(seed=2)",
        "Random(seed=open('owned', 'w'))(seed=2)",
        "Random(seed=1).__class__(seed=2)",
        "Random(seed=1)[0](seed=2)",
        "Random(seed=1), f(seed=2)",
        "Random(seed=1)\nimport os\n(seed=2)",
        "Random(seed=9**9**9)",
        "Random(seed=f'{1}')",
        "Random(seed=await 1)",
        "Random.__init__(seed=1)",
        "lambda: 0",
        "RateDistortion(gain='x'*10**9)",
    ],
)
def test_nothing_is_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(text)
    assert list(tmp_path.iterdir()) == []


MANY = 10**5
MEGA = 10**6


@pytest.mark.parametrize(
    "text",
    [
        "Random(seed=" + "(" * MANY + "1" + ")" * MANY + ")",
        "Random(seed=" + "[" * MANY + "1" + "]" * MANY + ")",
        "Random(seed=" + "[" * 150 + "1" + "]" * 150 + ")",
        "Random(seed=" + "{1:" * 90 + "1" + "}" * 90 + ")",
        "Random(seed=" + "-" * MANY + "1)",
        "Random(seed=1" + ".a" * MANY + ")",
        "Random(seed=1" + "+1" * MANY + ")",
        "Random(seed=" + "9" * MEGA + ")",
        "Random(seed='" + "x" * MEGA + "')",
        "Random(" + "x" * MEGA + "=1)",
        "Random(" + "x" * MEGA,
        "RateDistortion(gain='" + "x" * MEGA + "')",
        "RateDistortion(aspect='" + "x" * MEGA + "')",
        "x" * MEGA,
        "random " * (MEGA // 7),
        "-" * MEGA,
        "(" * MEGA,
        ")" * MEGA,
        "Random(" + ")" * MEGA + "!",
        "Random(" + ") " * (MEGA // 2) + "!",
    ],
    ids=lambda text: text[:24],
)
def test_long_and_deep_strings_are_refused_soon(text):
    refused(text, ".")


@pytest.mark.parametrize("text", ["a{}!", "{}!", "Random(){}!", "Random{}(", "Random({}!"])
def test_spaces_are_no_burden(text):
    refused(text.format(" " * 20000), "method")


@pytest.mark.parametrize("text", [None, 5, b"random", ["random"], ps.methods.Random])
def test_what_is_no_string_is_refused(text):
    with pytest.raises((TypeError, ValueError), match=r"method must be"):
        method_from(text)


names = st.sampled_from([*METHODS, "Random", "RateDistortion", "x"])
pieces = st.text(st.sampled_from("()[]{}=,.+-*'\"\\ \n#:0123456789aseedgin_"), max_size=25)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.builds("{}({})".format, names, pieces), st.builds("{}{}".format, names, pieces)))
def test_any_text_gives_a_method_or_a_value_error(text):
    try:
        method = method_from(text)
    except ValueError:
        return
    assert method_from(repr(method)) == method
