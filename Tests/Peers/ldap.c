/* OpenLDAP by libldap, in its blocking calls. Nothing in slapd waits, so the tests stop it. */
#include "servers.h"

#include <ldap.h>

static LDAP *directory_at(const char *uri) {
    LDAP *directory = NULL;
    int version = LDAP_VERSION3;
    CHECK(ldap_initialize(&directory, uri), ==, LDAP_SUCCESS);
    CHECK(ldap_set_option(directory, LDAP_OPT_PROTOCOL_VERSION, &version), ==, LDAP_OPT_SUCCESS);
    return directory;
}

static int bind_to(LDAP *directory, const char *password) {
    char copy[16];
    snprintf(copy, sizeof copy, "%s", password);
    struct berval credentials = {.bv_len = strlen(copy), .bv_val = copy};
    return ldap_sasl_bind_s(directory, "cn=admin,dc=green", LDAP_SASL_SIMPLE, &credentials, NULL, NULL, NULL);
}

static void end_directory(LDAP *directory) {
    ldap_unbind_ext_s(directory, NULL, NULL);
}

/* A server that a test has killed takes a moment to restart. */
static LDAP *ready_directory(const char *host) {
    LDAP *directory;
    char uri[64];
    snprintf(uri, sizeof uri, "ldap://%s:%d", host, port_of("LDAP"));
    UNTIL((directory = directory_at(uri), bind_to(directory, "secret") == LDAP_SUCCESS) ||
          (end_directory(directory), false));
    return directory;
}

static int search(void *argument) {
    LDAP *directory = argument;
    LDAPMessage *found = NULL;
    int result = ldap_search_ext_s(directory, "dc=green", LDAP_SCOPE_SUBTREE, "(cn=thread)", NULL, 0, NULL, NULL, NULL,
                                   LDAP_NO_LIMIT, &found);
    if (result == LDAP_SUCCESS)
        CHECK(ldap_count_entries(directory, found), ==, 1);
    ldap_msgfree(found);
    return result;
}

/* Shows that a new connection works. */
static void expect_service(void) {
    LDAP *directory = ready_directory("127.0.0.1");
    CHECK(search(directory), ==, LDAP_SUCCESS);
    end_directory(directory);
}

/* liblber makes the calls on the sockets. */
static green_patch *begin(unsigned families) {
    green_patch *patch = import_families("libldap-2.5.so.0", families, "liblber-2.5.so.0");
    CHECK(green_is_patched("liblber-2.5.so.0"));
    return patch;
}

static void end(green_patch *patch) {
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(hundred, "a hundred threads wait for a stopped server") {
    enum { COUNT = 100 };
    LDAP *directories[COUNT];
    struct call calls[COUNT];
    green_patch *patch = begin(0);
    for (int i = 0; i < COUNT; i++) {
        directories[i] = ready_directory("127.0.0.1");
        calls[i] = (struct call){.make = search, .argument = directories[i]};
    }
    stop_server("LDAP");
    int64_t begin = green_now();
    call_together(calls, COUNT, continue_server, "LDAP");
    figure("libldap: %d that wait for a stopped server search: %.3f s", COUNT, seconds_since(begin));
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, LDAP_SUCCESS);
        end_directory(directories[i]);
    }
    end(patch);
}

static int search_by_name(void *argument) {
    (void)argument;
    LDAP *directory = ready_directory("localhost");
    int result = search(directory);
    end_directory(directory);
    return result;
}

static void do_nothing(const char *argument) {
    (void)argument;
}

TEST(names, "with green locks, threads look up names while libldap holds a lock") {
    enum { COUNT = 50 };
    struct call calls[COUNT];
    green_patch *patch = begin(GREEN_PATCH_ALL | GREEN_PATCH_LOCK);
    for (int i = 0; i < COUNT; i++)
        calls[i] = (struct call){.make = search_by_name};
    call_together(calls, COUNT, do_nothing, NULL);
    for (int i = 0; i < COUNT; i++)
        CHECK(calls[i].result, ==, LDAP_SUCCESS);
    end(patch);
}

TEST(shared, "with green locks, fifty threads search by one connection at the same time") {
    enum { COUNT = 50 };
    struct call calls[COUNT];
    green_patch *patch = begin(GREEN_PATCH_ALL | GREEN_PATCH_LOCK);
    LDAP *directory = ready_directory("127.0.0.1");
    for (int i = 0; i < COUNT; i++)
        calls[i] = (struct call){.make = search, .argument = directory};
    stop_server("LDAP");
    call_together(calls, COUNT, continue_server, "LDAP");
    for (int i = 0; i < COUNT; i++)
        CHECK(calls[i].result, ==, LDAP_SUCCESS);
    end_directory(directory);
    end(patch);
}

static int bind_error(const char *uri, const char *password) {
    LDAP *directory = directory_at(uri);
    int result = bind_to(directory, password);
    end_directory(directory);
    return result;
}

TEST(refused, "refusals of the server are errors of libldap") {
    char uri[64];
    LDAP *directory = NULL;
    green_patch *patch = begin(0);
    expect_service();
    snprintf(uri, sizeof uri, "ldap://127.0.0.1:%d", refusing_port());
    CHECK(bind_error(uri, "secret"), ==, LDAP_SERVER_DOWN);
    CHECK(bind_error("ldap://a..b:389", "secret"), ==, LDAP_SERVER_DOWN);
    snprintf(uri, sizeof uri, "ldap://127.0.0.1:%d", port_of("LDAP"));
    CHECK(bind_error(uri, "wrong"), ==, LDAP_INVALID_CREDENTIALS);
    CHECK(ldap_initialize(&directory, "not an address"), ==, LDAP_PARAM_ERROR);
    end(patch);
}

TEST(killed, "a server that is killed during searches is an error of each") {
    enum { COUNT = 10 };
    LDAP *directories[COUNT];
    struct call calls[COUNT];
    green_patch *patch = begin(0);
    for (int i = 0; i < COUNT; i++) {
        directories[i] = ready_directory("127.0.0.1");
        calls[i] = (struct call){.make = search, .argument = directories[i]};
    }
    stop_server("LDAP");
    call_together(calls, COUNT, kill_server, "LDAP");
    for (int i = 0; i < COUNT; i++) {
        CHECK(calls[i].result, ==, LDAP_SERVER_DOWN);
        end_directory(directories[i]);
    }
    expect_service();
    end(patch);
}

TEST(interrupted, "a green timeout and a kill end a search as errors of libldap") {
    green_patch *patch = begin(0);
    LDAP *directory = ready_directory("127.0.0.1");
    struct call call = {.make = search, .argument = directory, .limit = 100 * GREEN_MILLISECOND};
    stop_server("LDAP");
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, LDAP_SERVER_DOWN);
    continue_server("LDAP");
    end_directory(directory);
    expect_service();

    directory = ready_directory("127.0.0.1");
    stop_server("LDAP");
    call = (struct call){.make = search, .argument = directory};
    kill_call(&call);
    CHECK(call.result, ==, LDAP_SERVER_DOWN);
    continue_server("LDAP");
    end_directory(directory);
    expect_service();
    end(patch);
}
