/* Reads the PEM text of certificates and keys completely, and checks it before OpenSSL
 * parses it.
 *
 * OpenSSL skips each line outside a block. It skips a damaged BEGIN line, for example one
 * with a byte order mark where two files were joined, and loses the certificate without
 * an error. */
#include "internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 16 * 1024 * 1024, CHUNK = 4096 };

const char *green__tls_pem_label(const green_tls_pem *pem, const char *what, char *text, size_t size) {
    snprintf(text, size, pem->path ? "the %s in %s" : "the %s in memory", what, pem->path);
    return text;
}

/* Lines ---------------------------------------------------------------------- */

/* Without its end and trailing blanks. */
struct line {
    const char *text;
    size_t length;
};

struct scan {
    size_t number;       /* of the current line, from 1 */
    size_t begun;        /* line at which the open block begins; 0 if none is open */
    struct line label;   /* of that block */
    size_t certificates; /* blocks so far */
};

static const char BEGIN[] = "-----BEGIN ", END[] = "-----END ", TAIL[] = "-----";

static bool starts_with(struct line whole, const char *start) {
    size_t length = strlen(start);
    return whole.length >= length && strncasecmp(whole.text, start, length) == 0;
}

static bool ends_with(struct line whole, const char *end) {
    size_t length = strlen(end);
    return whole.length >= length && strncasecmp(whole.text + whole.length - length, end, length) == 0;
}

static bool holds(struct line whole, const char *part) {
    return memmem(whole.text, whole.length, part, strlen(part)) != NULL;
}

static bool is(struct line whole, const char *text) {
    return whole.length == strlen(text) && memcmp(whole.text, text, whole.length) == 0;
}

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct line trimmed(struct line whole) {
    while (whole.length > 0 && is_blank(whole.text[whole.length - 1]))
        whole.length--;
    return whole;
}

static struct line without_start(struct line whole, size_t count) {
    return (struct line){whole.text + count, whole.length - count};
}

static bool is_word(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

/* Reads "-----BEGIN CERTIFICATE-----" as OpenSSL does. */
static bool read_marker(struct line whole, const char *head, struct line *label) {
    size_t around = strlen(head) + strlen(TAIL);
    if (whole.length <= around || memcmp(whole.text, head, strlen(head)) != 0 || !ends_with(whole, TAIL))
        return false;
    *label = (struct line){whole.text + strlen(head), whole.length - around};
    return !holds(*label, "--");
}

/* Whether the line looks like a damaged BEGIN or END line: in another case, with other
 * dashes, or with text before or after it. Other text is a comment. */
static bool is_like_marker(struct line whole) {
    static const char *const labels[] = {"CERTIFICATE", "KEY", "PARAMETERS", "CRL", "REQUEST", "PKCS7"};
    bool dashes = memchr(whole.text, '-', whole.length) != NULL;
    while (whole.length > 0 && is_blank(*whole.text))
        whole = without_start(whole, 1);
    if (whole.length > 0 && (*whole.text == '#' || *whole.text == ';'))
        return false;
    if (holds(whole, "-----BEGIN") || holds(whole, "-----END"))
        return true;
    for (; whole.length > 0 && !is_word(*whole.text); whole = without_start(whole, 1))
        dashes |= *whole.text & 0x80;
    if (!dashes || (!starts_with(whole, "BEGIN ") && !starts_with(whole, "END ")))
        return false;
    while (whole.length > 0 && !is_word(whole.text[whole.length - 1]))
        whole.length--;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (ends_with(whole, labels[i]))
            return true;
    return false;
}

/* Base64, or a header of an encrypted key. */
static bool is_content(struct line whole) {
    if (memchr(whole.text, ':', whole.length))
        return true;
    for (size_t i = 0; i < whole.length; i++)
        if (!is_word(whole.text[i]) && !strchr("+/= \t", whole.text[i]))
            return false;
    return true;
}

/* The text -------------------------------------------------------------------- */

static bool is_certificate(struct line label) {
    return is(label, PEM_STRING_X509) || is(label, PEM_STRING_X509_OLD) || is(label, PEM_STRING_X509_TRUSTED);
}

/* The fault of a line, or NULL. */
static const char *check_line(struct scan *scan, struct line whole) {
    struct line label;
    if (memchr(whole.text, '\0', whole.length))
        return "a NUL byte: PEM is plain text, neither DER nor UTF-16";
    if (read_marker(whole, BEGIN, &label)) {
        if (scan->begun)
            return "a BEGIN line inside a block without an END line";
        scan->begun = scan->number;
        scan->label = label;
        scan->certificates += is_certificate(label);
        return NULL;
    }
    if (read_marker(whole, END, &label)) {
        if (!scan->begun)
            return "an END line without a BEGIN line";
        if (label.length != scan->label.length || memcmp(label.text, scan->label.text, label.length) != 0)
            return "an END line that does not match its BEGIN line";
        scan->begun = 0;
        return NULL;
    }
    if (is_like_marker(whole))
        return holds(whole, "\xef\xbb\xbf") ? "a byte order mark in a BEGIN or END line"
                                            : "a damaged BEGIN or END line";
    return scan->begun && !is_content(whole) ? "a line in a block is not base64" : NULL;
}

/* Fills in the scan. Returns the fault of the text, at line scan->number, or NULL. */
static const char *check_text(struct scan *scan, const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        scan->number++;
        const char *fault = check_line(scan, trimmed((struct line){text + at, length}));
        if (fault)
            return fault;
        at += length + 1;
    }
    if (!scan->begun)
        return NULL;
    scan->number = scan->begun;
    return "a block without an END line";
}

/* Opening ---------------------------------------------------------------------- */

/* Copies a file to memory that is cleared when it is freed. */
static BIO *read_file(const char *path) {
    char chunk[CHUNK];
    size_t size = 0;
    int count = 0;
    BIO *file = BIO_new_file(path, "re"), *memory = file ? BIO_new(BIO_s_mem()) : NULL;
    while (memory && size <= TEXT_MAX && (count = BIO_read(file, chunk, sizeof chunk)) > 0) {
        size += (size_t)count;
        if (BIO_write(memory, chunk, count) != count)
            count = -1;
        if (count < 0)
            break;
    }
    OPENSSL_cleanse(chunk, sizeof chunk);
    BIO_free(file);
    if (memory && count >= 0) {
        BIO_set_mem_eof_return(memory, 0);
        return memory;
    }
    BIO_free(memory);
    return NULL;
}

BIO *green__tls_pem_open(const green_tls_pem *pem, const char *what, size_t *certificates) {
    char label[GREEN_TLS_PEM_LABEL_MAX], *text;
    if (!pem->path && !pem->bytes) {
        green__tls_fail_setup("no %s is given", what);
        return NULL;
    }
    green__tls_pem_label(pem, what, label, sizeof label);
    size_t size = pem->path || pem->size < TEXT_MAX ? pem->size : (size_t)TEXT_MAX + 1;
    BIO *bio = pem->path ? read_file(pem->path) : BIO_new_mem_buf(pem->bytes, (int)size);
    if (!bio) {
        green__tls_fail_setup("%s cannot be read", label);
        return NULL;
    }
    size = (size_t)BIO_get_mem_data(bio, &text);
    struct scan scan = {0};
    const char *fault = size > TEXT_MAX ? "it is longer than 16 MiB" : check_text(&scan, text, size);
    *certificates = scan.certificates;
    if (!fault)
        return bio;
    if (scan.number > 0)
        green__tls_fail_setup("%s is invalid: line %zu: %s", label, scan.number, fault);
    else
        green__tls_fail_setup("%s is invalid: %s", label, fault);
    BIO_free(bio);
    return NULL;
}

bool green__tls_pem_at_end(void) {
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}
