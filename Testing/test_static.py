"""What no test run would notice: files that CMake forgets, resources that do not exist, imports at the wrong place."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MODULE_FOLDERS = [path.parent for path in ROOT.glob("*/CMakeLists.txt")]
SLICER_BRINGS = {"numpy", "SimpleITK", "slicer", "vtk", "vtkmodules", "qt", "ctk"}
FILE_SCOPE = SLICER_BRINGS - {"vtkmodules"}
"""Besides the standard library and our own, what a module file may import when Slicer starts."""
SCENE_CODE = [
    *ROOT.glob("X2CTReconstruction/X2CTReconstructionLib/*.py"),
    *ROOT.glob("X2CTTraining/X2CTTrainingLib/scene*.py"),
]
"""What knows MRML."""
OURS = {path.name for path in ROOT.glob("*/*Lib")} | {"X2CTWeb"}
TORCH_BY_ITS_EXTENSION = {"torch"}


def cmake_list(folder: Path, name: str) -> list[str]:
    """The entries of `set(<name> ...)`, with MODULE_NAME filled in."""
    text = re.sub(r"#.*", "", (folder / "CMakeLists.txt").read_text(encoding="utf-8"))
    variables = dict(re.findall(r"set\((\w+)\s+([^)]*)\)", text))
    return variables[name].replace("${MODULE_NAME}", variables["MODULE_NAME"].strip()).split()


def files_below(folder: Path, pattern: str = "*") -> set[Path]:
    return {path for path in folder.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in files_below(ROOT / folder, "*.py"))


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of the packages that a piece of code imports."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


def check_required(modules: set[str], *files: str) -> None:
    """The packages of modules are in requirements files, in the versions of the project."""
    lines = [
        line
        for file in files
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
        if line and line[0] != "#"
    ]
    packages = importlib.metadata.packages_distributions()
    needed = {packages[name][0].lower().replace("_", "-") for name in modules}
    assert needed <= {re.split("[<>=]", line)[0].lower() for line in lines}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{line}"' in project for line in lines), "the same versions"


# CMake


@pytest.mark.parametrize("folder", MODULE_FOLDERS, ids=lambda folder: folder.name)
def test_cmake_lists_every_script(folder):
    on_disk = {folder / f"{folder.name}.py"}
    for library in folder.glob("*Lib"):
        on_disk |= files_below(library, "*.py")
    listed = cmake_list(folder, "MODULE_PYTHON_SCRIPTS")
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(path.relative_to(folder).as_posix() for path in on_disk)


@pytest.mark.parametrize("folder", MODULE_FOLDERS, ids=lambda folder: folder.name)
def test_cmake_lists_every_resource(folder):
    """A folder of sample data whose licence forbids commercial use stays in the clone."""
    resources = folder / "Resources"
    kept_back = [
        path.parent for path in resources.rglob("LICENSE*") if "NonCommercial" in path.read_text(encoding="utf-8")
    ]
    on_disk = {path for path in files_below(resources) if not set(kept_back) & set(path.parents)}
    listed = cmake_list(folder, "MODULE_PYTHON_RESOURCES")
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(path.relative_to(folder).as_posix() for path in on_disk)


def test_cmake_adds_every_module():
    added = re.findall(r"add_subdirectory\((\w+)\)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert sorted(added) == sorted(folder.name for folder in MODULE_FOLDERS)
    assert all((folder / f"{folder.name}.py").is_file() for folder in MODULE_FOLDERS)


@pytest.mark.parametrize("folder", MODULE_FOLDERS, ids=lambda folder: folder.name)
def test_cmake_registers_tests_that_exist(folder):
    text = (folder / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", folder.name)
    scripts = re.findall(r"slicer_add_python_unittest\(SCRIPT (\S+?)\)", text)
    assert scripts and all((folder / script).is_file() for script in scripts)
    assert "WITH_GENERIC_TESTS" in text


def test_installed_resources_of_all_modules_have_different_names():
    """Slicer installs the resources of all modules into one folder."""
    names = [name for folder in MODULE_FOLDERS for name in cmake_list(folder, "MODULE_PYTHON_RESOURCES")]
    assert len(names) == len(set(names))


def test_the_description_of_the_extension_agrees_with_cmake():
    described = dict(
        line.split(" ", 1)
        for line in (ROOT / "X2CTGAN.s4ext").read_text(encoding="utf-8").splitlines()
        if line[:1].isalpha() and " " in line
    )
    declared = dict(
        re.findall(r'set\(EXTENSION_(\w+) "([^"]*)"\)', (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    )
    for key, value in declared.items():
        assert described[key.lower()] == value


# Resources


@pytest.mark.parametrize("folder", MODULE_FOLDERS, ids=lambda folder: folder.name)
def test_a_module_has_its_icon_and_panel(folder):
    icon = folder / "Resources" / "Icons" / f"{folder.name}.png"
    assert Image.open(icon).size == (128, 128)
    assert (folder / "Resources" / "UI" / f"{folder.name}.ui").is_file()
    assert Image.open(ROOT / "Resources" / "X2CTGAN.png").size == (128, 128)


@pytest.mark.parametrize("folder", MODULE_FOLDERS, ids=lambda folder: folder.name)
def test_resources_named_in_the_module_file_exist(folder):
    """`resourcePath("a/b.c")` and `RESOURCES / "a" / "b"`, as far as the parts are plain strings."""
    source = (folder / f"{folder.name}.py").read_text(encoding="utf-8")
    named = re.findall(r'resourcePath\("([^"]+)"\)', source)
    named += ["/".join(re.findall(r'"([^"]+)"', path)) for path in re.findall(r'RESOURCES((?: / "[^"]+")+)', source)]
    for name in named:
        assert (folder / "Resources" / name).exists(), name


# Imports


@pytest.mark.parametrize("folder", MODULE_FOLDERS, ids=lambda folder: folder.name)
def test_module_files_import_only_what_slicer_brings(folder):
    """At file scope, that is; test_module.py does the same for what they import in turn."""
    tree = ast.parse((folder / f"{folder.name}.py").read_text(encoding="utf-8"))
    at_file_scope = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    ours = {path.name for folder in MODULE_FOLDERS for path in folder.glob("*Lib")}
    assert imported(at_file_scope) <= FILE_SCOPE | ours | sys.stdlib_module_names


def test_everything_the_extension_imports_is_required():
    """Slicer installs requirements.txt on the first Reconstruct; the command line, scoring and reports need more."""
    only_outside = {"cli.py", "command.py", "metrics.py", "page.py"}
    files = python_files("X2CTReconstruction/X2CTLib", "X2CTReconstruction/X2CTReconstructionLib")
    used = {
        name
        for path in files
        if path.name not in only_outside
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
    }
    needed = used - sys.stdlib_module_names - SLICER_BRINGS - TORCH_BY_ITS_EXTENSION - OURS - {"PyTorchUtils"}
    check_required(needed, "X2CTReconstruction/Resources/requirements.txt")


def test_everything_the_training_imports_is_required():
    """On the first use of X2CT Training, Slicer installs both files."""
    files = python_files("X2CTTraining/X2CTTrainingLib", "X2CTTraining/X2CTTrainingPanelLib")
    used = {name for path in files for name in imported(ast.parse(path.read_text(encoding="utf-8")))}
    needed = used - sys.stdlib_module_names - SLICER_BRINGS - TORCH_BY_ITS_EXTENSION - OURS
    own = "X2CTTraining/Resources/x2ct_training_requirements.txt"
    check_required(needed, "X2CTReconstruction/Resources/requirements.txt", own)


@pytest.mark.parametrize("room", ["X2CTReconstruction/X2CTLib", "X2CTTraining/X2CTTrainingLib"])
def test_the_engine_knows_no_scene_and_no_widgets(room):
    for path in python_files(room):
        if path not in SCENE_CODE:
            assert not imported(ast.parse(path.read_text(encoding="utf-8"))) & {"slicer", "qt", "ctk"}, path.name


def test_scene_code_knows_no_widgets_and_no_global_scene():
    for path in SCENE_CODE:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not imported(tree) & {"qt", "ctk"}, path.name
        attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not attributes & {"slicer.mrmlScene", "slicer.app"}, path.name


def test_texts_are_translatable_templates():
    """`_()` takes a plain string: an f-string would be formatted before it is looked up."""
    for path in [
        *python_files(
            "X2CTReconstruction/X2CTReconstructionLib",
            "X2CTReconstruction/X2CTPanelLib",
            "X2CTTraining/X2CTTrainingPanelLib",
        ),
        *(f / f"{f.name}.py" for f in MODULE_FOLDERS),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}"
