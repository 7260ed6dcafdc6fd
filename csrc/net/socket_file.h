/* The file that bind(2) makes for a unix listener. */
#ifndef GREEN_NET_SOCKET_FILE_H
#define GREEN_NET_SOCKET_FILE_H

#include <green/address.h>

/* A path does not identify the file, because another server may have replaced it. The
 * listening socket holds a reference to its inode (unix_bind() keeps the dentry), so the
 * inode number is not reused before the socket is closed. */
typedef struct green_socket_file {
    char *path; /* absolute; NULL: there is no file to remove */
    dev_t device;
    ino_t inode;
} green_socket_file;

/* Records the file of a socket that was just bound to the address. If there is no memory,
 * or the working directory has no name, the file is not removed later. */
void green__socket_file_record(green_socket_file *file, const green_address *address);

/* Removes the file if it has not been replaced. Call it before the socket is closed. */
void green__socket_file_remove(green_socket_file *file);

void green__socket_file_forget(green_socket_file *file);

/* Removes the file of a server that no longer runs, and returns whether it did. The files
 * of live servers and of other types of socket stay. */
bool green__socket_file_replace(const green_address *address);

#endif
