/* green-bench-tls: Green's sides of the TLS benchmarks, each in a process of its
 * own. Those that measure print a line of JSON. */
#include "tls.h"

#include <getopt.h>
#include <string.h>

static const struct role {
    const char *name;
    void (*run)(void);
    const char *about;
} roles[] = {
    {"send", run_send, "writes 16 KiB at a time; prints its processor time"},
    {"receive", run_receive, "reads them, from one connection; prints its processor time"},
    {"answer", run_answer, "serves: a request line, a small answer, the end"},
    {"echo", run_echo, "serves: sends back what comes"},
    {"load", run_load, "talks to an echo over many connections; prints the server's processor time"},
    {"respond", run_respond, "responds to each byte in three pieces; prints how many sends that took"},
    {"idle", run_idle, "serves: sends back messages of 100 bytes, or tells its memory"},
    {"hold", run_hold, "keeps connections to an idle; prints the server's memory for each"},
};

enum { ROLES = sizeof roles / sizeof *roles };

static const char *const options_help =
    "Servers print where they listen. They speak TLS 1.3 with --certificate and --key, and clients with\n"
    "--authority; both are plain without.\n\n"
    "  --listen ADDRESS     of a server (127.0.0.1:0)\n"
    "  --certificate FILE   PEM, of a server\n"
    "  --key FILE           PEM, of a server\n"
    "  --to ADDRESS         of a client\n"
    "  --authority FILE     PEM: whom a client trusts\n"
    "  --bytes N            send: how many (1 GiB)\n"
    "  --warmup N           send, receive: bytes that go before and do not count (64 MiB); the same on both sides\n"
    "  --connections N      load: how many (64); hold: how many (64)\n"
    "  --size N             load: bytes of a message, up to 4096 (100)\n"
    "  --seconds N          load: how long to count (1)\n"
    "  --pid N              load: the server\n"
    "  --at-once N          hold: connections that are opened at one time (16)\n"
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
            give_up("--seconds is more than nothing, not '%s'", optarg);
        break;
    case 'A':
        asked.apart = true;
        break;
    case 'h':
        print_help();
        exit(0);
    default:
        fprintf(stderr, "green-bench-tls: --help tells what there is\n");
        exit(2);
    }
}

static const struct role *find(const char *name) {
    for (int i = 0; i < ROLES; i++)
        if (strcmp(roles[i].name, name) == 0)
            return &roles[i];
    fprintf(stderr, "green-bench-tls: there is no role '%s'; --help lists them\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    int index = 0;
    for (int option; (option = getopt_long(argc, argv, "", known, &index)) != -1;)
        take_option(option, known[index].name);
    if (optind != argc - 1) {
        fprintf(stderr, "green-bench-tls: one role is wanted; --help lists them\n");
        return 2;
    }
    const struct role *role = find(argv[optind]);
    if (!asked.certificate != !asked.key)
        give_up("--certificate and --key go together");
    role->run();
    return 0;
}
