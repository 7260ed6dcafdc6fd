/* PEM texts that would lose a block: each is an error with a line number. */
#include "tls_helpers.h"

#include <openssl/pem.h>

static size_t lines_of(const char *text) {
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* The first text, followed by the second with a part replaced. */
static char *damaged(const char *first, const char *second, const char *part, const char *replacement) {
    char *text = NULL;
    const char *at = strstr(second, part);
    CHECK(at != NULL);
    CHECK(asprintf(&text, "%s%.*s%s%s", first, (int)(at - second), second, replacement, at + strlen(part)), >, 0);
    return text;
}

static void refused(green_tls_options options, size_t line, const char *words) {
    char place[32];
    green_tls_context *context = NULL;
    snprintf(place, sizeof place, "line %zu: ", line);
    CHECK(green_tls_context_make(&context, &options), ==, -EPROTO);
    CHECK(green_tls_last_problem(), ==, GREEN_TLS_BAD_SETUP);
    CHECK_CONTAINS(green_explain(-EPROTO), place);
    CHECK_CONTAINS(green_explain(-EPROTO), words);
    CHECK(context == NULL);
}

static green_tls_options serving(green_tls_identity *own) {
    return (green_tls_options){.role = GREEN_TLS_SERVER, .identities = own, .identity_count = 1};
}

/* As a chain and as a list of authorities, in memory and in a file. */
static void refused_everywhere(const char *text, size_t line, const char *words) {
    const char *directory = make_directory();
    char *path = file_with(directory, "text.pem", text);
    const green_tls_pem ways[] = {pem(text), {.path = path}};
    for (int i = 0; i < 2; i++) {
        green_tls_identity own = {.chain = ways[i], .key = pem(localhost()->key)};
        refused(serving(&own), line, words);
        CHECK_CONTAINS(green_explain(-EPROTO), i == 0 ? "the certificate in memory" : path);
        refused((green_tls_options){.authorities = ways[i]}, line, words);
    }
    free(path);
    remove_directory();
}

TEST(second_block, "a second certificate with a damaged BEGIN or END line is an error and not lost") {
    const char *first = localhost()->chain, *second = authority()->chain;
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    static const struct {
        const char *part, *replacement, *words;
        bool at_end;
    } cases[] = {
        {begin, "\xef\xbb\xbf-----BEGIN CERTIFICATE-----", "byte order mark", false},
        {begin, " -----BEGIN CERTIFICATE-----", "damaged BEGIN or END line", false},
        {begin, "----BEGIN CERTIFICATE-----", "damaged BEGIN or END line", false},
        {begin, "-----BEGIN CERTIFICATE----", "damaged BEGIN or END line", false},
        {begin, "-----BEGIN CERTIFICATE----- MII", "damaged BEGIN or END line", false},
        {begin, "-----Begin Certificate-----", "damaged BEGIN or END line", false},
        {begin, "\xe2\x80\x94\xe2\x80\x94-BEGIN CERTIFICATE-----", "damaged BEGIN or END line", false},
        {begin, "BEGIN CERTIFICATE-----", "damaged BEGIN or END line", false},
        {begin, "-----BEGIN CERTIFICATE-----\xef\xbb\xbf", "byte order mark", false},
        {end, "-----END CERTIFICATE----", "damaged BEGIN or END line", true},
        {end, "\xef\xbb\xbf-----END CERTIFICATE-----", "byte order mark", true},
        {end, "-----END X509 CRL-----", "does not match", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = damaged(first, second, cases[i].part, cases[i].replacement);
        printf("%s\n", cases[i].replacement);
        size_t line = lines_of(first) + (cases[i].at_end ? lines_of(second) : 1);
        refused_everywhere(text, line, cases[i].words);
        free(text);
    }
}

TEST(blocks, "a block without its BEGIN or END line is an error") {
    const char *first = localhost()->chain, *second = authority()->chain;
    char *text = damaged(first, second, "-----BEGIN CERTIFICATE-----\n", "");
    refused_everywhere(text, lines_of(text), "an END line without a BEGIN line");
    free(text);
    text = damaged("", first, "-----END CERTIFICATE-----\n", second);
    refused_everywhere(text, lines_of(first), "inside a block without an END line");
    free(text);
    text = damaged(first, second, "-----END CERTIFICATE-----\n", "");
    refused_everywhere(text, lines_of(first) + 1, "a block without an END line");
    free(text);
    /* As if the first file did not end with a newline. */
    text = damaged("", first, "-----END CERTIFICATE-----\n", "-----END CERTIFICATE-----");
    char *both = joined(text, second);
    refused_everywhere(both, lines_of(first), "damaged BEGIN or END line");
    free(both);
    free(text);
}

TEST(contents, "lines that are not base64 are errors, and so is data that is not text") {
    const char *first = localhost()->chain;
    char *text = damaged("", first, "\nMII", "\n\xef\xbb\xbfMII");
    refused_everywhere(text, 2, "not base64");
    free(text);
    text = damaged("", first, "\nMII", "\n-MII");
    refused_everywhere(text, 2, "not base64");
    free(text);
    const char wide[] = "-\0-\0-\0-\0-\0B\0E\0G\0I\0N\0";
    refused((green_tls_options){.authorities = {.bytes = wide, .size = sizeof wide}}, 1, "NUL byte");
}

TEST(keys, "a damaged key is an error") {
    char *text = damaged("", localhost()->key, "-----BEGIN ", "\xef\xbb\xbf-----BEGIN ");
    green_tls_identity own = {.chain = pem(localhost()->chain), .key = pem(text)};
    refused(serving(&own), 1, "byte order mark");
    CHECK_CONTAINS(green_explain(-EPROTO), "the key in memory");
    free(text);
}

TEST(sizes, "a text of several GiB is an error, and its size does not overflow") {
    static const size_t sizes[] = {(size_t)INT32_MAX, (size_t)1 << 31, (size_t)1 << 32, ((size_t)1 << 32) + 5,
                                   SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        green_tls_context *context = NULL;
        green_tls_options options = {.authorities = {.bytes = authority()->chain, .size = sizes[i]}};
        CHECK(green_tls_context_make(&context, &options), ==, -EPROTO);
        CHECK_CONTAINS(green_explain(-EPROTO), "longer than 16 MiB");
    }
    green_tls_context *context = NULL;
    green_tls_options endless = {.authorities = {.path = "/dev/zero"}};
    CHECK(green_tls_context_make(&context, &endless), ==, -EPROTO);
    CHECK_CONTAINS(green_explain(-EPROTO), "longer than 16 MiB");
}

/* With '\r' before each '\n'. */
static char *with_carriage_returns(const char *text) {
    char *copy = malloc(2 * strlen(text) + 1), *to = copy;
    for (; *text; *to++ = *text++)
        if (*text == '\n')
            *to++ = '\r';
    *to = '\0';
    return copy;
}

static void serves(const char *chain, const char *authorities) {
    green_tls_identity own = {.chain = pem(chain), .key = pem(localhost()->key)};
    green_tls_context *server = context_of(serving(&own));
    green_tls_context *client = context_of((green_tls_options){.authorities = pem(authorities)});
    struct tls_pair pair = tls_connected(client, server);
    CHECK(shows(pair.client, localhost()));
    CHECK(info_of(pair.client).certificates, ==, 2);
    release_tls_pair(&pair);
    green_tls_context_release(client);
    green_tls_context_release(server);
}

TEST(good, "other line ends, blanks, words, headings and comments around the blocks are accepted") {
    const char *first = localhost()->chain, *second = authority()->chain;
    static const char *const between[] = {
        "",
        "\n \t\n",
        "words - and --- dashes -----\n",
        "\xef\xbb\xbf# Issuer: begin\n",
        "End-entity certificate\n=======\nBegin here: certificate\n",
        "# -----BEGIN CERTIFICATE-----\n# MIIB\n# -----END CERTIFICATE-----\n",
    };
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        char *start = joined(first, between[i]), *text = joined(start, second);
        char *returns = with_carriage_returns(text), *no_end = strndup(text, strlen(text) - 1);
        serves(text, text);
        serves(returns, returns);
        serves(no_end, no_end);
        free(start);
        free(text);
        free(returns);
        free(no_end);
    }
}

TEST(trusted, "an authority in a TRUSTED CERTIFICATE block of OpenSSL is trusted") {
    BIO *in = BIO_new_mem_buf(authority()->chain, -1), *out = BIO_new(BIO_s_mem());
    X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
    char *bytes;
    CHECK(PEM_write_bio_X509_AUX(out, certificate), ==, 1);
    long size = BIO_get_mem_data(out, &bytes);
    char *text = strndup(bytes, (size_t)size);
    CHECK_CONTAINS(text, "TRUSTED CERTIFICATE");
    char *chain = joined(localhost()->chain, text);
    serves(chain, text);
    free(chain);
    free(text);
    X509_free(certificate);
    BIO_free(in);
    BIO_free(out);
}
