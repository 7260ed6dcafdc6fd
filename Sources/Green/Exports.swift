// The vocabulary of the API: a program that matches `error.code == .connectionRefused` or passes a descriptor needs
// no import but Green.
@_exported public import struct SystemPackage.Errno
@_exported public import struct SystemPackage.FileDescriptor
