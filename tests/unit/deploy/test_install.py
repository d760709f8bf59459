"""Installing the packages needs none of them."""

import subprocess
import sys

from deploy import ROOT


def test_packages_are_installed_and_locked_with_the_standard_library_alone():
    command = [sys.executable, "-S", "-c", "import deploy.install.__main__, deploy.install.lock"]
    subprocess.run(command, cwd=ROOT, check=True)
