/* Addresses: parsing, printing, and invalid text. */
#include "helpers.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

static green_address parsed(const char *text) {
    green_address address;
    CHECK(green_address_parse(&address, text), ==, 0);
    return address;
}

static const char *printed(const green_address *address) {
    static char text[GREEN_ADDRESS_TEXT_MAX];
    size_t length = green_address_print(address, text, sizeof text);
    CHECK(length, ==, strlen(text));
    return text;
}

TEST(round_trips, "every form is parsed, and printed in the same form") {
    static const char *const texts[] = {
        "127.0.0.1:6000",       "0.0.0.0:0",     "255.255.255.255:65535",
        "[::1]:6000",           "[::]:1",        "[2001:db8::ff00:42:8329]:443",
        "unix:/run/green.sock", "unix:relative", "unix:/with space:and:colons",
        "unix:@abstract",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        green_address address = parsed(texts[i]);
        CHECK_TEXT(printed(&address), texts[i]);
        green_address again = parsed(printed(&address));
        CHECK(green_address_equal(&address, &again));
        CHECK(again.length, ==, address.length);
    }
}

TEST(other_spellings, "an address with several spellings is printed in one") {
    static const char *const cases[][2] = {
        {":6000", "0.0.0.0:6000"},
        {"*:6000", "0.0.0.0:6000"},
        {"[0:0:0:0:0:0:0:1]:80", "[::1]:80"},
        {"[2001:DB8::A]:80", "[2001:db8::a]:80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        green_address address = parsed(cases[i][0]);
        CHECK_TEXT(printed(&address), cases[i][1]);
    }
}

TEST(scope, "a link-local address keeps its interface") {
    char name[IF_NAMESIZE];
    if (!if_indextoname(1, name))
        skip("there is no first interface");
    char text[GREEN_ADDRESS_TEXT_MAX];
    snprintf(text, sizeof text, "[fe80::1%%%s]:6000", name);
    green_address address = parsed(text);
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address.storage;
    CHECK(in6->sin6_scope_id, ==, 1);
    CHECK_TEXT(printed(&address), text);
    green_address other = parsed("[fe80::1]:6000");
    CHECK(!green_address_equal(&address, &other));
}

TEST(values, "the value is valid for the system's calls") {
    green_address address = parsed("127.0.0.1:6000");
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address.storage;
    CHECK(in->sin_family, ==, AF_INET);
    CHECK(ntohs(in->sin_port), ==, 6000);
    CHECK(ntohl(in->sin_addr.s_addr), ==, INADDR_LOOPBACK);
    CHECK(address.length, ==, sizeof *in);
    address = parsed("[::1]:6000");
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address.storage;
    CHECK(in6->sin6_family, ==, AF_INET6);
    CHECK(ntohs(in6->sin6_port), ==, 6000);
    CHECK(memcmp(&in6->sin6_addr, &in6addr_loopback, sizeof in6addr_loopback), ==, 0);
    address = parsed("unix:@name");
    const struct sockaddr_un *un = (const struct sockaddr_un *)&address.storage;
    CHECK(un->sun_family, ==, AF_UNIX);
    CHECK(un->sun_path[0], ==, 0);
    CHECK(memcmp(un->sun_path + 1, "name", 4), ==, 0);
    CHECK(address.length, ==, offsetof(struct sockaddr_un, sun_path) + 5);
}

TEST(bad_input, "an invalid address is -EINVAL, and the message names it") {
    static const char *const texts[] = {
        "",
        ":",
        "*:",
        "80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:99999999999999999999",
        "127.0.0.1:-1",
        "127.0.0.1:+80",
        "127.0.0.1: 80",
        "127.0.0.1:80 ",
        " 127.0.0.1:80",
        "127.0.0.1:0x50",
        "127.0.0.1:http",
        "127.0.0.1:80:90",
        "127.0.0.1:80/x",
        "256.0.0.1:80",
        "1.2.3:80",
        "1.2.3.4.5:80",
        "::1:80",
        "::1",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "::1]:80",
        "[]:80",
        "[::g]:80",
        "[1:2]:80",
        "[127.0.0.1]:80",
        "[::1]:65536",
        "[fe80::1%]:80",
        "[fe80::1%no-such-interface]:80",
        "[fe80::1%0]:80",
        "[fe80::1%1x]:80",
        "[fe80::1%4294967297]:80",
        "[fe80::1%18446744073709551617]:80",
        "[fe80::1%x1]:80",
        "localhost:80",
        "tcp://127.0.0.1:80",
        "unix:",
        "unix",
        "Unix:/path",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        green_address address;
        int error = green_address_parse(&address, texts[i]);
        if (error != -EINVAL)
            fprintf(stderr, "taken as an address: \"%s\"\n", texts[i]);
        CHECK(error, ==, -EINVAL);
        CHECK_CONTAINS(green_explain(error), texts[i]);
    }
}

TEST(long_input, "a text too long for any address is -EINVAL") {
    static const char *const starts[] = {"", "[", "127.0.0.1:", "[::1]:", "[fe80::1%"};
    static char text[100000];
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        memset(text, '1', sizeof text - 1);
        memcpy(text, starts[i], strlen(starts[i]));
        green_address address;
        CHECK(green_address_parse(&address, text), ==, -EINVAL);
        CHECK_CONTAINS(green_explain(-EINVAL), "1111");
    }
}

TEST(unix_length, "a unix path may have at most 107 bytes") {
    char text[200] = "unix:/";
    green_address address;
    memset(text + 6, 'p', 106);
    CHECK(green_address_parse(&address, text), ==, 0);
    CHECK_TEXT(printed(&address), text);
    memset(text + 6, 'p', 107);
    CHECK(green_address_parse(&address, text), ==, -ENAMETOOLONG);
    CHECK_CONTAINS(green_explain(-ENAMETOOLONG), "107");
    text[5] = '@'; /* counted like the '/' of a path */
    CHECK(green_address_parse(&address, text), ==, -ENAMETOOLONG);
    text[strlen(text) - 1] = 0;
    CHECK(green_address_parse(&address, text), ==, 0);
    CHECK_TEXT(printed(&address), text);
}

TEST(print_cut, "a text that does not fit is truncated, and its whole length is returned") {
    green_address address = parsed("127.0.0.1:6000");
    char text[16];
    memset(text, 'x', sizeof text);
    CHECK(green_address_print(&address, text, 10), ==, 14);
    CHECK_TEXT(text, "127.0.0.1");
    CHECK(text[10], ==, 'x');
    CHECK(green_address_print(&address, text, 15), ==, 14);
    CHECK_TEXT(text, "127.0.0.1:6000");
    CHECK(green_address_print(&address, text, 1), ==, 14);
    CHECK_TEXT(text, "");
    text[0] = 'x';
    CHECK(green_address_print(&address, text, 0), ==, 14);
    CHECK(text[0], ==, 'x');
}

TEST(nameless, "a nameless unix socket prints as unix:") {
    green_address address;
    struct pair pair = connected(UNIX_PAIR);
    CHECK(green_socket_local_address(pair.near, &address), ==, 0);
    CHECK_TEXT(printed(&address), "unix:");
    CHECK(green_socket_peer_address(pair.near, &address), ==, 0);
    CHECK_TEXT(printed(&address), "unix:");
    release_pair(&pair);
}

TEST(abstract_nul, "printing an abstract name shows its NULs and the bytes after them") {
    green_address address = parsed("unix:@a-b");
    ((struct sockaddr_un *)&address.storage)->sun_path[2] = '\0';
    CHECK_TEXT(printed(&address), "unix:@a@b");
    address.length = UINT32_MAX; /* beyond the storage */
    CHECK_CONTAINS(printed(&address), "unix:@a@b");
}

TEST(ports, "the port of an address is read and set if it has one") {
    green_address address = parsed("127.0.0.1:6000");
    CHECK(green_address_port(&address), ==, 6000);
    green_address_set_port(&address, 65535);
    CHECK_TEXT(printed(&address), "127.0.0.1:65535");
    CHECK(green_address_port(&address), ==, 65535);
    address = parsed("[::1]:0");
    CHECK(green_address_port(&address), ==, 0);
    green_address_set_port(&address, 1);
    CHECK_TEXT(printed(&address), "[::1]:1");
    address = parsed("unix:/path");
    CHECK(green_address_port(&address), ==, -1);
    green_address_set_port(&address, 1);
    CHECK_TEXT(printed(&address), "unix:/path");
}

TEST(equal, "addresses are equal if they have the same value") {
    static const char *const texts[] = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1",
                                        "[::1]:1",     "[::1]:2",     "unix:/a",
                                        "unix:/ab",    "unix:@a",     "[::ffff:127.0.0.1]:1"};
    enum { COUNT = sizeof texts / sizeof *texts };
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < COUNT; k++) {
            green_address left = parsed(texts[i]), right;
            memset(&right, 0xff, sizeof right); /* bytes after the address are ignored */
            CHECK(green_address_parse(&right, texts[k]), ==, 0);
            CHECK(green_address_equal(&left, &right), ==, i == k);
        }
    }
}
