/* green-bench-tls: the Green programs of the TLS benchmarks, each a role in its own process.
 * A role that measures prints a line of JSON. */
#include "tls.h"

#include <getopt.h>
#include <string.h>

static const struct role {
    const char *name;
    void (*run)(void);
    const char *about;
} roles[] = {
    {"send", run_send, "writes 16 KiB at a time; prints its processor time"},
    {"receive", run_receive, "reads from one connection to its end; prints its processor time"},
    {"answer", run_answer, "serves: reads a request line, sends a small response, and closes"},
    {"echo", run_echo, "serves: sends back what it receives"},
    {"load", run_load, "exchanges messages with an echo over many connections; prints the server's processor time"},
    {"respond", run_respond, "responds to each byte in three pieces; prints the number of sends"},
    {"idle", run_idle, "serves: sends back messages of 100 bytes, or reports its memory"},
    {"hold", run_hold, "keeps connections to an idle server; prints the server's memory for each"},
};

enum { ROLES = sizeof roles / sizeof *roles };

static const char *const options_help =
    "Servers print the address they listen on. They use TLS 1.3 with --certificate and --key, clients with\n"
    "--authority; otherwise connections are plain.\n\n"
    "  --listen ADDRESS     server: address to listen on (127.0.0.1:0)\n"
    "  --certificate FILE   server: its certificate, PEM\n"
    "  --key FILE           server: its private key, PEM\n"
    "  --to ADDRESS         client: address to connect to\n"
    "  --authority FILE     client: trusted authorities, PEM\n"
    "  --bytes N            send: number of bytes (1 GiB)\n"
    "  --warmup N           send, receive: bytes at the beginning that do not count (64 MiB); equal on both sides\n"
    "  --connections N      load, hold: number of connections (64)\n"
    "  --size N             load: size of a message, up to 4096 bytes (100)\n"
    "  --seconds N          load: duration of the measurement (1)\n"
    "  --pid N              load: process ID of the server\n"
    "  --at-once N          hold: number of connections opened at the same time (16)\n"
    "  --apart              respond: three writes instead of one of three pieces\n";

static void print_help(void) {
    printf("green-bench-tls ROLE [OPTION...]\n\n");
    for (int i = 0; i < ROLES; i++)
        printf("  %-9s%s\n", roles[i].name, roles[i].about);
    printf("\n%s", options_help);
}

static const struct option known[] = {
    {"listen", 1, 0, 'l'},      {"certificate", 1, 0, 'c'}, {"key", 1, 0, 'k'},
    {"to", 1, 0, 't'},          {"bytes", 1, 0, 'b'},       {"authority", 1, 0, 'a'},
    {"connections", 1, 0, 'n'}, {"warmup", 1, 0, 'w'},      {"size", 1, 0, 's'},
    {"at-once", 1, 0, 'o'},     {"seconds", 1, 0, 'S'},     {"pid", 1, 0, 'p'},
    {"apart", 0, 0, 'A'},       {"help", 0, 0, 'h'},        {0},
};

static void take_option(int option, const char *name) {
    switch (option) {
    case 'l':
        asked.listen = optarg;
        break;
    case 'c':
        asked.certificate = optarg;
        break;
    case 'k':
        asked.key = optarg;
        break;
    case 't':
        asked.to = optarg;
        break;
    case 'a':
        asked.authority = optarg;
        break;
    case 'b':
        asked.bytes = number_of(optarg, name, 1, INT64_MAX / 2);
        break;
    case 'w':
        asked.warmup = number_of(optarg, name, 0, INT64_MAX / 2);
        break;
    case 'n':
        asked.connections = number_of(optarg, name, 1, 1000000);
        break;
    case 's':
        asked.size = number_of(optarg, name, 1, 4096);
        break;
    case 'o':
        asked.at_once = number_of(optarg, name, 1, 10000);
        break;
    case 'p':
        asked.process = (pid_t)number_of(optarg, name, 1, INT32_MAX);
        break;
    case 'S':
        asked.seconds = atof(optarg);
        if (!(asked.seconds > 0))
            give_up("--seconds: expected a positive number, not '%s'", optarg);
        break;
    case 'A':
        asked.apart = true;
        break;
    case 'h':
        print_help();
        exit(0);
    default:
        fprintf(stderr, "green-bench-tls: see --help for the options\n");
        exit(2);
    }
}

static const struct role *find(const char *name) {
    for (int i = 0; i < ROLES; i++)
        if (strcmp(roles[i].name, name) == 0)
            return &roles[i];
    fprintf(stderr, "green-bench-tls: unknown role '%s'; see --help\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    int index = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, &index)) != -1;)
        take_option(option, known[index].name);
    if (optind != argc - 1) {
        fprintf(stderr, "green-bench-tls: expected one role; see --help\n");
        return 2;
    }
    const struct role *role = find(argv[optind]);
    if (!asked.certificate != !asked.key)
        give_up("--certificate and --key must be used together");
    role->run();
    return 0;
}
