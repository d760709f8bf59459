"""Modules with jobs: what is found in them, and what is refused."""

import importlib
import sys
import textwrap

import pytest

from turnstile import LoadError, load


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(name, text):
        path = tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from turnstile import *\n" + textwrap.dedent(text))
        written.append(name.split(".")[0])

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] in written]:
        del sys.modules[name]


def test_loading_finds_kinds_in_a_module_and_below_it(write_module):
    write_module("shop.__init__", "import shop.orders\n@job('a')\nasync def a(ctx): ...")
    write_module("shop.orders", "@job('b')\ndef b(ctx): ...")
    assert sorted(load(["shop"])) == ["a", "b"]


def test_a_kind_that_is_imported_elsewhere_is_not_defined_twice(write_module):
    write_module("first_jobs", "@job('a')\nasync def a(ctx): ...")
    write_module("second_jobs", "from first_jobs import a")
    assert list(load(["first_jobs", "second_jobs"])) == ["a"]


def test_two_handlers_of_one_kind_are_refused_by_name(write_module):
    write_module("left_jobs", "@job('a')\nasync def one(ctx): ...")
    write_module("right_jobs", "@job('a')\nasync def two(ctx): ...")
    with pytest.raises(LoadError, match=r"'right_jobs': kind 'a' .*left_jobs\.one .*and right_jobs\.two"):
        load(["left_jobs", "right_jobs"])


def test_a_handler_whose_function_name_is_used_again_is_refused_by_its_kind_and_line(write_module):
    text = "@job('orders')\nasync def rows(ctx): ...\n@job('customers')\nasync def rows(ctx): ..."
    write_module("import_jobs", text)
    message = r"'import_jobs': no variable holds .* 'orders', import_jobs\.rows \(line 2\): give each handler"
    with pytest.raises(LoadError, match=message):
        load(["import_jobs"])


def test_a_handler_that_wraps_hides_is_refused(write_module):
    text = """
        from functools import wraps
        @job('orders')
        async def rows(ctx): ...
        @job('customers')
        @wraps(rows)
        async def rows(ctx): ...
    """
    write_module("wrapped_jobs", text)
    with pytest.raises(LoadError, match="no variable holds the handler of kind 'orders'"):
        load(["wrapped_jobs"])


def test_a_wrapper_that_would_not_be_called_is_refused(write_module):
    text = """
        from functools import wraps
        def logged(function):
            @wraps(function)
            async def wrapper(ctx): ...
            return wrapper
        @logged
        @job('orders')
        async def rows(ctx): ...
    """
    write_module("logged_jobs", text)
    message = r"logged_jobs\.rows wraps the handler of kind 'orders'.*put @job above the other decorators"
    with pytest.raises(LoadError, match=message):
        load(["logged_jobs"])


def test_a_handler_of_two_names_and_one_made_by_a_function_are_found(write_module):
    text = """
        def make(name):
            @job(name)
            async def made(ctx): ...
            return made
        @job('a')
        async def a(ctx): ...
        b, c = a, make('c')
    """
    write_module("many_jobs", text)
    assert sorted(load(["many_jobs"])) == ["a", "c"]


def test_a_module_that_is_loaded_again_is_no_second_definition(write_module):
    write_module("again_jobs", "@job('a')\nasync def a(ctx): ...")
    load(["again_jobs"])
    importlib.reload(sys.modules["again_jobs"])
    assert sorted(load(["again_jobs"])) == ["a"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("1/0", "ZeroDivisionError"),
        ("this is no python", "SyntaxError"),
        ("raise SystemExit('no')", "SystemExit: no"),
        ("@job('a')\nasync def a(): ...", "DefinitionError: kind 'a'"),
        ("", "defines no jobs"),
    ],
)
def test_a_module_that_cannot_be_used_is_named_with_the_reason(write_module, text, reason):
    write_module("broken_jobs", text)
    with pytest.raises(LoadError, match=rf"'broken_jobs' .*{reason}"):
        load(["broken_jobs"])


def test_parameters_without_a_schema_are_refused(write_module):
    write_module(
        "odd_jobs",
        """
        from pydantic import BaseModel, ConfigDict
        class Odd: ...
        class Parameters(BaseModel):
            model_config = ConfigDict(arbitrary_types_allowed=True)
            odd: Odd
        @job('odd')
        async def odd(ctx, parameters: Parameters): ...
        """,
    )
    with pytest.raises(LoadError, match=r"'odd_jobs'.*no JSON schema"):
        load(["odd_jobs"])


def test_parameters_that_refer_to_an_unknown_type_are_refused(write_module):
    write_module(
        "vague_jobs",
        """
        from pydantic import BaseModel
        class Parameters(BaseModel):
            other: "Nowhere"
        @job('vague')
        async def vague(ctx, parameters: Parameters): ...
        """,
    )
    with pytest.raises(LoadError, match=r"'vague_jobs': the parameters of kind 'vague' have no JSON schema"):
        load(["vague_jobs"])


def test_parameters_whose_schema_refers_to_an_unknown_type_are_refused(write_module):
    write_module(
        "vague_jobs",
        """
        from pydantic import BaseModel, PydanticUndefinedAnnotation
        class Parameters(BaseModel):
            @classmethod
            def model_json_schema(cls, **_):
                raise PydanticUndefinedAnnotation("Nowhere", "name 'Nowhere' is not defined")
        @job('vague')
        async def vague(ctx, parameters: Parameters): ...
        """,
    )
    with pytest.raises(LoadError, match=r"kind 'vague' have no JSON schema: name 'Nowhere' is not defined"):
        load(["vague_jobs"])


def test_a_module_beside_the_one_that_is_loaded_is_not_searched(write_module):
    write_module("shop", "@job('a')\nasync def a(ctx): ...")
    write_module("shopping", "@job('b')\nasync def b(ctx): ...")
    load(["shopping"])
    assert list(load(["shop"])) == ["a"]


def test_an_import_that_was_blocked_is_no_obstacle(write_module, monkeypatch):
    write_module("shop.__init__", "@job('a')\nasync def a(ctx): ...")
    monkeypatch.setitem(sys.modules, "shop.absent", None)
    assert list(load(["shop"])) == ["a"]


def test_kinds_of_all_modules_are_found_each_under_its_name(write_module):
    write_module("left_jobs", "@job('a')\nasync def one(ctx): ...\n@job('b')\ndef two(ctx): ...\nother = two")
    write_module("right_jobs", "@job('c')\nasync def three(ctx): ...")
    found = load(["left_jobs", "right_jobs"])
    assert {name: kind.handler.__name__ for name, kind in found.items()} == {
        "a": "one",
        "b": "two",
        "c": "three",
    }


def test_two_handlers_of_one_kind_in_one_module_are_refused(write_module):
    write_module("twice_jobs", "@job('a')\nasync def one(ctx): ...\n@job('a')\nasync def two(ctx): ...")
    with pytest.raises(
        LoadError, match=r"kind 'a' is defined twice, by twice_jobs\.one .* and twice_jobs\.two"
    ):
        load(["twice_jobs"])


def test_an_interrupt_of_the_loading_process_is_not_a_fault_of_the_module(write_module):
    write_module("interrupted_jobs", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load(["interrupted_jobs"])
