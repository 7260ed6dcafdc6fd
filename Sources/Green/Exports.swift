// The vocabulary of the API: a program that matches `error.code == .connectionRefused` or opens a file by its path needs
// no import but Green.
@_exported public import struct SystemPackage.Errno
@_exported public import struct SystemPackage.FileDescriptor
@_exported public import struct SystemPackage.FilePath
@_exported public import struct SystemPackage.FilePermissions
