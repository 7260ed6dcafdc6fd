/* Thread functions that read once from the socket that is their argument, and return the
 * result. */
#ifndef GREEN_TESTS_READERS_H
#define GREEN_TESTS_READERS_H

int read_byte(void *socket);    /* green_read() of one byte */
int read_line(void *socket);    /* green_read_line() of up to 64 bytes */
int read_exactly(void *socket); /* green_read_exactly() of 64 bytes */
int receive(void *socket);      /* green_receive(); consumes nothing */

#endif
