/* green-bench-openssl: the peers, which use OpenSSL on blocking sockets as its manual
 * describes, one connection at a time. */
#define _GNU_SOURCE
#include "account.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *to, *certificate, *key, *authority;
static int64_t bytes = (int64_t)1 << 30, warmup = 64 << 20, size = 100, requests = 1000;
static bool read_ahead;

/* A connection; plain without ssl. */
struct stream {
    int fd;
    SSL *ssl;
};

_Noreturn static void give_up_ssl(const char *call) {
    unsigned long error = ERR_get_error();
    if (error == 0)
        give_up("%s: the peer has disconnected", call);
    if (ERR_SYSTEM_ERROR(error))
        give_up("%s: %s", call, strerror(ERR_GET_REASON(error)));
    give_up("%s: %s", call, ERR_reason_error_string(error));
}

/* TLS ----------------------------------------------------------------------- */

static SSL_CTX *make_context(bool server, const char *suite) {
    SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) ||
        (suite && !SSL_CTX_set_ciphersuites(context, suite)))
        give_up_ssl("making a context");
    SSL_CTX_set_read_ahead(context, read_ahead);
    if (server) {
        if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
            give_up_ssl(certificate);
        if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
            give_up_ssl(key);
    } else {
        if (SSL_CTX_load_verify_locations(context, authority, NULL) != 1)
            give_up_ssl(authority);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

/* Streams ------------------------------------------------------------------- */

static struct sockaddr_in address_of(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN];
    int port;
    if (!text || sscanf(text, "%15[0-9.]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
        give_up("--to: expected an IPv4 address and a port, for example 127.0.0.1:4433, not '%s'", text ? text : "");
    address.sin_port = htons((uint16_t)port);
    return address;
}

static void set_no_delay(int fd) {
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        give_up("TCP_NODELAY: %m");
}

static int open_listener(void) {
    struct sockaddr_in address = address_of("127.0.0.1:0");
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        give_up("listening: %m");
    set_no_delay(fd); /* handed down to those it accepts */
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

/* Accepts a connection, and performs the handshake if there is a context. */
static struct stream accept_stream(int listener, SSL_CTX *context) {
    struct stream stream = {.fd = accept(listener, NULL, NULL)};
    if (stream.fd < 0)
        give_up("accept: %m");
    if (!context)
        return stream;
    stream.ssl = SSL_new(context);
    if (!stream.ssl || !SSL_set_fd(stream.ssl, stream.fd))
        give_up_ssl("SSL_new");
    if (SSL_accept(stream.ssl) != 1)
        give_up_ssl("SSL_accept");
    return stream;
}

static struct stream connect_stream(SSL_CTX *context) {
    struct sockaddr_in address = address_of(to);
    struct stream stream = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (stream.fd < 0 || connect(stream.fd, (struct sockaddr *)&address, sizeof address) < 0)
        give_up("connecting to %s: %m", to);
    set_no_delay(stream.fd);
    if (!context)
        return stream;
    stream.ssl = SSL_new(context);
    if (!stream.ssl || !SSL_set_fd(stream.ssl, stream.fd) ||
        !X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream.ssl), "127.0.0.1"))
        give_up_ssl("SSL_new");
    if (SSL_connect(stream.ssl) != 1)
        give_up_ssl("SSL_connect");
    return stream;
}

static void write_all(const struct stream *stream, const char *from, int count) {
    if (stream->ssl) {
        if (SSL_write(stream->ssl, from, count) != count)
            give_up_ssl("SSL_write");
    } else if (send(stream->fd, from, (size_t)count, MSG_NOSIGNAL) != count) {
        give_up("send: %m");
    }
}

/* Returns 0 at the end of the stream. */
static int read_some(const struct stream *stream, char *into, int count) {
    if (!stream->ssl) {
        ssize_t result = recv(stream->fd, into, (size_t)count, 0);
        if (result < 0)
            give_up("recv: %m");
        return (int)result;
    }
    int result = SSL_read(stream->ssl, into, count);
    if (result <= 0 && SSL_get_error(stream->ssl, result) != SSL_ERROR_ZERO_RETURN)
        give_up_ssl("SSL_read");
    return result > 0 ? result : 0;
}

static void close_stream(struct stream *stream) {
    if (stream->ssl)
        SSL_shutdown(stream->ssl);
    SSL_free(stream->ssl);
    close(stream->fd);
}

/* Roles --------------------------------------------------------------------- */

static void run_send(void) {
    static char piece[PIECE];
    struct stream stream = connect_stream(authority ? make_context(false, BULK_SUITE) : NULL);
    struct account account = {.warmup = warmup};
    memset(piece, 'g', sizeof piece);
    while (account.bytes < bytes + warmup) {
        write_all(&stream, piece, sizeof piece);
        account_add(&account, sizeof piece);
    }
    account_print(&account);
    if (stream.ssl)
        SSL_shutdown(stream.ssl);
    shutdown(stream.fd, SHUT_WR);
    /* A close with unread session tickets would reset the connection. */
    read_some(&stream, piece, sizeof piece);
    close_stream(&stream);
}

static void run_receive(void) {
    static char piece[PIECE];
    SSL_CTX *context = certificate ? make_context(true, BULK_SUITE) : NULL;
    struct stream stream = accept_stream(open_listener(), context);
    struct account account = {.warmup = warmup};
    for (int count; (count = read_some(&stream, piece, sizeof piece)) > 0;)
        account_add(&account, count);
    account_print(&account);
    close_stream(&stream);
}

/* What green-bench-tls answers. */
static void run_answer(void) {
    char line[4096], answer[145] = "HTTP/1.0 200 ok\r\nContent-type: text/plain\r\n\r\n";
    SSL_CTX *context = certificate ? make_context(true, NULL) : NULL;
    for (int listener = open_listener();;) {
        struct stream stream = accept_stream(listener, context);
        if (read_some(&stream, line, sizeof line) > 0)
            write_all(&stream, answer, sizeof answer);
        close_stream(&stream);
    }
}

static long records;

/* A record of application data, once it is decrypted. */
static void count_record(int written, int version, int type, const void *content, size_t count, SSL *ssl,
                         void *argument) {
    (void)version, (void)ssl, (void)argument;
    if (!written && type == SSL3_RT_INNER_CONTENT_TYPE && count == 1 &&
        *(const unsigned char *)content == SSL3_RT_APPLICATION_DATA)
        records++;
}

/* Requests responses by one byte each, and counts their records. */
static void run_count(void) {
    char response[4096];
    if (!authority)
        give_up("--authority FILE is missing");
    struct stream stream = connect_stream(make_context(false, BULK_SUITE));
    SSL_set_msg_callback(stream.ssl, count_record);
    for (int64_t i = 0; i <= requests; i++) {
        if (i == 1)
            records = 0; /* as the server, which leaves the first one out */
        write_all(&stream, "r", 1);
        for (int64_t came = 0; came < size;) {
            int count = read_some(&stream, response, sizeof response);
            if (count == 0)
                give_up("the server has ended the stream");
            came += count;
        }
    }
    printf("{\"responses\":%lld,\"records\":%ld}\n", (long long)requests, records);
    fflush(stdout);
    close_stream(&stream);
}

static SSL *in_memory(SSL_CTX *context, BIO *from, BIO *into) {
    SSL *ssl = SSL_new(context);
    if (!ssl)
        give_up_ssl("SSL_new");
    BIO_up_ref(from);
    BIO_up_ref(into);
    SSL_set_bio(ssl, from, into);
    return ssl;
}

/* The time that OpenSSL alone needs to read a message and write another one. Both ends are
 * in memory, and each reads and writes the same number of messages. */
static void run_memory(void) {
    if (!certificate || !authority)
        give_up("--certificate, --key and --authority are missing");
    BIO *forth = BIO_new(BIO_s_mem()), *back = BIO_new(BIO_s_mem());
    SSL *client = in_memory(make_context(false, BULK_SUITE), back, forth);
    SSL *server = in_memory(make_context(true, BULK_SUITE), forth, back);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    for (int i = 0; i < 10 && !(SSL_is_init_finished(client) && SSL_is_init_finished(server)); i++) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
    char message[4096] = {0};
    SSL *const ends[] = {client, server};
    double cpu = 0;
    for (int64_t i = -requests / 10; i < requests; i++) {
        if (i == 0)
            cpu = ns_of(CLOCK_PROCESS_CPUTIME_ID);
        for (int end = 0; end < 2; end++)
            if (SSL_write(ends[end], message, (int)size) != size ||
                SSL_read(ends[!end], message, sizeof message) != size)
                give_up_ssl("a message through memory");
    }
    cpu = (ns_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 2;
    printf("{\"count\":%lld,\"cpu_ns\":%.0f,\"wall_ns\":%.0f}\n", (long long)requests, cpu, cpu);
    SSL_free(client);
    SSL_free(server);
    BIO_free(forth);
    BIO_free(back);
}

/* Options ------------------------------------------------------------------- */

static const struct role {
    const char *name;
    void (*run)(void);
    const char *about;
} roles[] = {
    {"send", run_send, "writes 16 KiB at a time; prints its processor time"},
    {"receive", run_receive, "reads them, from one connection; prints its processor time"},
    {"answer", run_answer, "serves: a request, a small answer, the end"},
    {"count", run_count, "asks a green-bench-tls respond; prints the records its responses come in"},
    {"memory", run_memory, "messages between two ends in memory; prints the processor time of one"},
};

enum { ROLES = sizeof roles / sizeof *roles };

static void print_help(void) {
    printf("green-bench-openssl ROLE [OPTION...]\n\n");
    for (int i = 0; i < ROLES; i++)
        printf("  %-9s%s\n", roles[i].name, roles[i].about);
    printf("\nServers print the address they listen on. They use TLS 1.3 with --certificate and --key, clients with\n"
           "--authority; otherwise connections are plain.\n\n"
           "  --certificate FILE   server: its certificate, PEM\n"
           "  --key FILE           server: its private key, PEM\n"
           "  --to ADDRESS         client: address to connect to\n"
           "  --authority FILE     client: trusted authorities, PEM\n"
           "  --read-ahead         SSL_CTX_set_read_ahead\n"
           "  --bytes N            send: number of bytes (1 GiB)\n"
           "  --warmup N           send, receive: bytes at the beginning that do not count (64 MiB)\n"
           "  --requests N         count: number of requests (1000); memory: number of messages (1000)\n"
           "  --size N             count: size of a response; memory: size of a message, up to 4096 bytes (100)\n");
}

static const struct option known[] = {
    {"certificate", 1, 0, 'c'},
    {"key", 1, 0, 'k'},
    {"to", 1, 0, 't'},
    {"authority", 1, 0, 'a'},
    {"read-ahead", 0, 0, 'R'},
    {"bytes", 1, 0, 'b'},
    {"warmup", 1, 0, 'w'},
    {"requests", 1, 0, 'r'},
    {"size", 1, 0, 's'},
    {"help", 0, 0, 'h'},
    {0},
};

static void take_option(int option, const char *name) {
    switch (option) {
    case 'c':
        certificate = optarg;
        break;
    case 'k':
        key = optarg;
        break;
    case 't':
        to = optarg;
        break;
    case 'a':
        authority = optarg;
        break;
    case 'R':
        read_ahead = true;
        break;
    case 'b':
        bytes = number_of(optarg, name, 1, INT64_MAX / 2);
        break;
    case 'w':
        warmup = number_of(optarg, name, 0, INT64_MAX / 2);
        break;
    case 'r':
        requests = number_of(optarg, name, 1, INT32_MAX);
        break;
    case 's':
        size = number_of(optarg, name, 1, 4096);
        break;
    case 'h':
        print_help();
        exit(0);
    default:
        fprintf(stderr, "green-bench-openssl: see --help for the options\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    int index = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, &index)) != -1;)
        take_option(option, known[index].name);
    if (optind != argc - 1) {
        fprintf(stderr, "green-bench-openssl: expected one role; see --help\n");
        return 2;
    }
    if (!certificate != !key)
        give_up("--certificate and --key must be used together");
    for (int i = 0; i < ROLES; i++) {
        if (strcmp(roles[i].name, argv[optind]) != 0)
            continue;
        roles[i].run();
        return 0;
    }
    fprintf(stderr, "green-bench-openssl: unknown role '%s'; see --help\n", argv[optind]);
    return 2;
}
