"""The README.txt of a bundle: how to find and open a result with a file browser and `numpy.load`.

Owns the text, for a reader who has never heard of this software. Pure functions; nothing here touches a disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TITLE = "Stored results of computations"

_TEXT = f"""{TITLE}
{"=" * len(TITLE)}

Here are results that functions of Python programs returned, each with the arguments that the function was called
with. Nothing but this text is needed to read them: what describes a result is plain text (JSON), and arrays are .npy
files, which numpy.load opens in Python and which many other programs read. The folder was written by `cas export`, a
command of the Python package cas-memo; `cas import` of this folder puts everything back into a store of that package.


How to find a result
--------------------

    v1/entries/<module>/<function>/<code>/<hash>.<arguments>.json

There is a folder for each module, in it one for each function, and in that one for each state that the function's
code was in. In it stands one file for each call, with the arguments in its name. %XX in a name stands for one byte,
as in a web address. A name that ends in ~cut.json was too long; the file has all of it. Open such a file in any editor:

    function, arguments    the call
    result                 what it returned, in short: float64[129, 400] is an array of 129 rows of 400 numbers
    codec                  the form in which the result is stored, see below
    file                   where it is stored, starting from the folder of this text; if there is none,
    inline                 it stands right there, its bytes in base64
    size                   how many bytes it takes
    cost                   how many seconds it took to compute
    stored                 when that was
    provenance             on what machine, and with which versions
"""

_EXAMPLE = """

An example
----------

The call   {call}
stands in  {path}
and its result, {result}, in
           {file}

In Python, started in the folder of this text:

{code}
"""

_CODE = """    import json, numpy
    with open({path!r}, encoding="utf-8") as file:
        entry = json.load(file)
    print(entry["function"], entry["arguments"])
    result = numpy.load(entry["file"])
    print(result.dtype, result.shape)"""

_REST = """

The forms of results
--------------------

    npy/1       an array, a .npy file: numpy.load. If a program insists on the ending, copy the file and add .npy.
    text/1      text in UTF-8
    json/1      JSON
    mat/1       a MATLAB file (version 5): scipy.io.loadmat; the variable is `result`
    hdf5/1      an HDF5 file: h5py; the dataset or group is `result`
    arrow/1     an Apache Arrow file (Feather, version 2): pyarrow, pandas.read_feather
    tree/1      numbers, texts, lists, dictionaries: one msgpack document (msgpack.org), see below
    sparse/1    a sparse matrix of scipy, in the same way
    stream/1    the items of a generator, in the same way
    raised/1    an exception that the call raised instead of returning
    pickle/1    32 bytes of a signature, then a pickle of Python. Reading a pickle runs code that its writer chose: do
                that only with one that you trust.

An ending +zstd means that each file was compressed: unpack it with `zstd -d` first. Any other form is one that the
authors of the function defined themselves.

In a msgpack document, what msgpack has a type for is that. A list that begins with an extension without content is
something else, by the number of the extension:

    32          a tuple of the elements that follow
    33, 34      a set of them
    35, 37      a dictionary
    41          a date and time: year, month, day, hour, minute, second, microsecond, fold, time zone
    69          a member of an enumeration: module, class, name, value
    70, 71      an object with fields: module, class, fields by name
    81          a single number: type, its bytes
    84          an array: type, shape, whether the first index runs fastest, its bytes
    85          an array in a file of its own: digest, type, shape; the file is a .npy file, v1/blobs/<first two
                characters of the digest in hexadecimal>/<digest>
    97          a value in another form: form, description, digest of its file, or nothing and its bytes

A type such as <f8 is read: little-endian (<), floating (f; i integer, u without sign, c complex), of 8 bytes.


The other files
---------------

    v1/blobs        every file that a result needs. Its name is the BLAKE3 digest (256 bits, in hexadecimal) of its
                    content: `b3sum` of a file that is as it was written prints the file's own name.
    v1/functions    for each state of a function's code, `manifest`: in base64, compressed with zlib, a msgpack list
                    of everything that the function used, with the lines of code
    v1/keys         how the software finds an entry; nothing in it is needed for reading
    FORMAT          tells the software how this folder is laid out; leave it with the rest
"""


def readme(path: str, entry: Mapping[str, Any]) -> str:
    """Return the text of a README.txt.

    Args:
        path: Where the JSON of an entry stands in the bundle; the entry is the worked example.
        entry: What is in that JSON. Of one whose result is no plain array in a file, the text says only where it is.
    """
    arguments = ", ".join(f"{name.lstrip('*')}={value!r}" for name, value in (entry["arguments"] or {}).items())
    call = f"{entry['function']}({arguments})"
    example = _EXAMPLE.format(
        call=call if len(call) <= 100 else f"{call[:99]}…",
        path=path,
        result=entry["result"],
        file=entry["file"] or "the same file, under `inline`",
        code=_CODE.format(path=path),
    )
    if entry["codec"] != "npy/1" or not entry["file"]:
        example = example.partition("\nIn Python")[0]
    return _TEXT + example + _REST
