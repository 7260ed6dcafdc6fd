/* The file that bind(2) makes for a unix listener. */
#ifndef GREEN_NET_SOCKET_FILE_H
#define GREEN_NET_SOCKET_FILE_H

#include <green/address.h>

/* A path alone does not say whose file it is: another server may have put its
 * own there. The listening socket holds a reference to its inode (unix_bind()
 * keeps the dentry), so the number is not reused before the socket is closed. */
typedef struct green_socket_file {
    char *path; /* absolute; NULL: there is no file to remove */
    dev_t device;
    ino_t inode;
} green_socket_file;

/* Notes the file of a socket that was just bound to the address. Without memory,
 * or with a working directory that has no name, there is nothing to remove later. */
void green__socket_file_note(green_socket_file *file, const green_address *address);

/* Removes it if it is still there. To be called before the socket is closed. */
void green__socket_file_remove(green_socket_file *file);

void green__socket_file_forget(green_socket_file *file);

/* Removes the file of a server that no longer runs, and returns whether it has.
 * The file of a live one stays, and so does that of another type of socket. */
bool green__socket_file_replace(const green_address *address);

#endif
