"""What kind of file system a path stands on, and whether other hosts may write there.

Read from /proc/self/mountinfo, which Linux has; elsewhere nobody knows, and a path counts as local.
"""

from __future__ import annotations

import os

UNKNOWN = "unknown"
_MOUNTS = "/proc/self/mountinfo"
_NETWORK = frozenset({"9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs"})
_NETWORK |= {"nfs", "nfs4", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2", "smb", "smb2", "smb3", "smbfs"}
_NETWORK |= {"vboxsf", "virtiofs", "vmhgfs", "wekafs"}
# Every other file system in user space may reach over the network (sshfs, s3fs, rclone, glusterfs ...).
_LOCAL_FUSE = frozenset({"fuse.bindfs", "fuse.cryfs", "fuse.encfs", "fuse.exfat", "fuse.fuse-overlayfs", "fuse.lxcfs"})
_LOCAL_FUSE |= {"fuse.gocryptfs", "fuse.mergerfs", "fuse.ntfs", "fuse.ntfs-3g", "fuse.overlayfs", "fuse.portal"}


def file_system(path: str, mounts: str = _MOUNTS) -> str:
    """Return the type of the file system that a path stands on, or would; `unknown` where nobody can tell.

    Args:
        path: The path; what of it does not exist yet is taken to be made where its parent stands.
        mounts: A file as `man 5 proc` describes mountinfo.
    """
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return UNKNOWN
    place = os.path.join(os.path.realpath(path), "")
    found, longest = UNKNOWN, 0
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = os.path.join(_plain(fields[4]), "")
        # Of two on one another, the later one is on top.
        if place.startswith(point) and len(point) >= longest:
            found, longest = after.partition(" ")[0], len(point)
    return found


def is_network(kind: str) -> bool:
    """Return whether a file system of that type is shared with other hosts, as far as its type tells."""
    return kind in _NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE)


def _plain(text: str) -> str:
    r"""Return a path as it is: mountinfo writes blanks and such as \040."""
    head, *parts = text.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in parts)
