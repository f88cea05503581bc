"""The pages' templates: everything is escaped, and a name that is not there is an error."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def template(name: str) -> Template:
    """Raises TemplateNotFound."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("billing"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
