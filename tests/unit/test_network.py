"""What kind of file system a path stands on."""

from __future__ import annotations

import os

import pytest

from cas.network import UNKNOWN, file_system, is_network

MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ada/local rw - xfs /dev/sdb1 rw
32 22 0:42 / /mnt/my\040share rw - cifs //server/share rw
33 22 0:43 / /mnt/over rw - tmpfs tmpfs rw
34 22 0:44 / /mnt/over rw master:1 propagate_from:2 - lustre mds@tcp:/scratch rw
35 22 0:45 / /homework rw - btrfs /dev/sdc rw
not a mount at all
"""


@pytest.fixture
def mounts(tmp_path):
    """Return a file as the kernel writes it."""
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS)
    return str(path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home", "nfs4"),
        ("/home/ada/results", "nfs4"),
        ("/home/ada/local/results", "xfs"),
        ("/home/ada/locality", "nfs4"),
        ("/homework/store", "btrfs"),
        ("/mnt/my share/x/../y", "cifs"),
        ("/mnt/over/x", "lustre"),
        ("/mnt/overt", "ext4"),
        ("/", "ext4"),
    ],
)
def test_innermost_mount_counts(mounts, path, kind):
    """A path, there or not, stands on the innermost and topmost mount above it, whatever its name has in common."""
    assert file_system(path, mounts) == kind


def test_links_are_followed(mounts, tmp_path):
    """A link to another file system counts as standing there."""
    (tmp_path / "link").symlink_to("/home/ada")
    assert file_system(str(tmp_path / "link" / "store"), mounts) == "nfs4"


def test_nobody_knows_without_mountinfo(tmp_path):
    """Where the system does not tell, the kind is unknown, and counts as local."""
    assert file_system("/home", str(tmp_path / "missing")) == UNKNOWN
    assert not is_network(UNKNOWN)


def test_present_system_answers():
    """On Linux the real file tells of every path."""
    assert file_system(os.getcwd()) != UNKNOWN


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb3", "9p", "fuse.sshfs"]
)
def test_network_kinds(kind):
    """File systems that several hosts write are network file systems, those of unknown user-space programs too."""
    assert is_network(kind)


@pytest.mark.parametrize(
    "kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.mergerfs", "apfs"]
)
def test_local_kinds(kind):
    """Disks, memory and layers over them are local."""
    assert not is_network(kind)
