/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* HTTP and HTTPS
 * ==============
 *
 * One GET per round, on a connection of its own, with the ETag of the last
 * good answer: a server that knows those answers "304", and nothing is read.
 * Redirects are not followed: the answer decides who may connect, so it comes
 * from where the author says.
 *
 * The certificate of an https server is always verified, against the
 * certificates of the system or those that `ca' names. */

#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "policy/policy.h"
#include "resolve/asker.h"
#include "resolve/parse.h"
#include "util.h"

/* Room for the headers of an answer. */
#define MAX_HEADERS 65536

struct http_round {
    struct sg_asker *asker;
    struct evhttp_uri *uri;
    struct evdns_base *dns;     /* For the name of the server. */
    struct evhttp_connection *connection;
    struct event *deadline;
    SSL_CTX *ssl_ctx;           /* https: else NULL. */
    SSL *ssl;                   /* Belongs to the connection. */
    char *tls_error;            /* Why TLS failed, or NULL. */
    enum evhttp_request_error failure;  /* Why there is no answer. */
    bool failed;                /* 'failure' is set. */
};

/* The end of a round. */

static void
round_destroy(void *round_)
{
    struct http_round *round = round_;

    if (round->deadline) {
        event_free(round->deadline);
    }
    if (round->connection) {
        evhttp_connection_free(round->connection);
    }
    if (round->dns) {
        evdns_base_free(round->dns, 1);
    }
    if (round->uri) {
        evhttp_uri_free(round->uri);
    }
    SSL_CTX_free(round->ssl_ctx);
    free(round->tls_error);
    free(round);
}

/* Takes over 'error'. */
static void
finish(struct http_round *round, uint8_t families,
       struct sg_prefix *prefixes, size_t n, char *error)
{
    struct sg_asker *asker = round->asker;

    if (error) {
        char *longer = xasprintf("%s: %s", asker->question->targets[0],
                                 error);

        free(error);
        error = longer;
    }
    if (round->deadline) {
        event_del(round->deadline);
    }
    /* We may be in a callback of the connection. */
    round->asker = NULL;
    sg_thread_discard(asker->thread, round_destroy, round);
    sg_asker_answer(asker, families, prefixes, n, error, 0);
}

static void
on_deadline(evutil_socket_t fd OVS_UNUSED, short what OVS_UNUSED,
            void *round_)
{
    struct http_round *round = round_;

    if (round->asker) {
        finish(round, 0, NULL, 0, xasprintf(
            "no answer within %d seconds", round->asker->question->timeout));
    }
}

/* Answers. */

/* Servers make an ETag of the second in which a file was changed.  If that is
 * the second of the answer, the file may change once more and keep it. */
static void
remember_etag(struct sg_asker *asker, struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *changed = evhttp_find_header(headers, "Last-Modified");
    const char *now = evhttp_find_header(headers, "Date");

    free(asker->etag);
    asker->etag = (changed && now && !strcmp(changed, now) ? NULL
                   : nullable_xstrdup(evhttp_find_header(headers, "ETag")));
}

static void
take_body(struct http_round *round, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    struct sg_asker *asker = round->asker;
    size_t len = evbuffer_get_length(body);
    struct sg_prefix *prefixes;
    char *text = xmalloc(len + 1);
    char *error;
    size_t n;

    evbuffer_copyout(body, text, len);
    error = sg_parse_addresses(text, len, asker->question, &prefixes, &n);
    free(text);
    if (!error) {
        remember_etag(asker, request);
    }
    finish(round, error ? 0 : SG_IP_ANY, prefixes, n, error);
}

static char *
describe_failure(const struct http_round *round)
{
    if (round->tls_error) {
        return xstrdup(round->tls_error);
    }
    if (round->failed) {
        switch (round->failure) {
        case EVREQ_HTTP_TIMEOUT:
            return xasprintf("no answer within %d seconds",
                             round->asker->question->timeout);
        case EVREQ_HTTP_DATA_TOO_LONG:
            return xasprintf("the answer has more than %"PRIuSIZE" bytes; "
                             "raise max_size if that is right",
                             round->asker->question->max_size);
        case EVREQ_HTTP_INVALID_HEADER:
            return xstrdup("what comes back is not HTTP");
        case EVREQ_HTTP_EOF:
        case EVREQ_HTTP_BUFFER_ERROR:
        case EVREQ_HTTP_REQUEST_CANCEL:
        default:
            break;
        }
    }
    return xstrdup("the server cannot be reached, or closes the connection");
}

static char *
describe_status(struct evhttp_request *request, int status)
{
    const char *line = evhttp_request_get_response_code_line(request);
    const char *location
        = evhttp_find_header(evhttp_request_get_input_headers(request),
                             "Location");

    if (status >= 300 && status < 400 && location) {
        return xasprintf("the server answers %d and wants us to go to "
                         "%.200s; write that if it is right", status,
                         location);
    }
    return xasprintf("the server answers %d%s%.60s", status,
                     line && line[0] ? " " : "", line ? line : "");
}

static void
on_answer(struct evhttp_request *request, void *round_)
{
    struct http_round *round = round_;
    int status = request ? evhttp_request_get_response_code(request) : 0;

    if (!round->asker) {
        return;
    }
    if (!status || round->failed) {
        finish(round, 0, NULL, 0, describe_failure(round));
    } else if (status == HTTP_OK) {
        take_body(round, request);
    } else if (status == HTTP_NOTMODIFIED && round->asker->etag) {
        finish(round, 0, NULL, 0, NULL);
    } else {
        finish(round, 0, NULL, 0, describe_status(request, status));
    }
}

static void
on_failure(enum evhttp_request_error failure, void *round_)
{
    struct http_round *round = round_;

    round->failed = true;
    round->failure = failure;
    if (round->ssl && !round->tls_error) {
        long int verdict = SSL_get_verify_result(round->ssl);

        if (verdict != X509_V_OK) {
            round->tls_error = xasprintf(
                "the certificate of the server is not accepted: %s",
                X509_verify_cert_error_string(verdict));
        }
    }
}

/* Asking. */

static char *
tls_error(const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return xasprintf("%s: %s", what, reason ? reason : "unknown error");
}

/* Whose certificate we want to see. */
static bool
expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host)) {
        return true;
    }
    return (SSL_set_tlsext_host_name(ssl, host)
            && X509_VERIFY_PARAM_set1_host(param, host, 0));
}

/* Makes '*bev', an endpoint that speaks TLS with 'host'. */
static char *
tls_begin(struct http_round *round, const char *host,
          struct bufferevent **bev)
{
    const char *ca = round->asker->question->ca;

    round->ssl_ctx = SSL_CTX_new(TLS_client_method());
    if (!round->ssl_ctx) {
        return tls_error("TLS cannot be used");
    }
    SSL_CTX_set_verify(round->ssl_ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(round->ssl_ctx, TLS1_2_VERSION);
    if (ca ? !SSL_CTX_load_verify_locations(round->ssl_ctx, ca, NULL)
        : !SSL_CTX_set_default_verify_paths(round->ssl_ctx)) {
        return tls_error(ca ? ca : "the certificates of the system");
    }

    SSL *ssl = SSL_new(round->ssl_ctx);
    if (!ssl || !expect_host(ssl, host)) {
        SSL_free(ssl);
        return tls_error("TLS cannot be used");
    }
    *bev = bufferevent_openssl_socket_new(
        round->asker->thread->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
        BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (!*bev) {
        SSL_free(ssl);
        return tls_error("TLS cannot be used");
    }
    round->ssl = ssl;
    return NULL;
}

static char *
connect_to(struct http_round *round, bool tls)
{
    const struct sg_addresses *q = round->asker->question;
    struct event_base *base = round->asker->thread->base;
    const char *host = evhttp_uri_get_host(round->uri);
    int port = evhttp_uri_get_port(round->uri);
    struct bufferevent *bev = NULL;
    size_t len = strlen(host);
    char *bare, *error = NULL;

    /* An IPv6 address stands in brackets. */
    bare = (host[0] == '[' && host[len - 1] == ']'
            ? xmemdup0(host + 1, len - 2) : xstrdup(host));
    if (tls) {
        error = tls_begin(round, bare, &bev);
    }
    if (!error) {
        round->dns = evdns_base_new(base, 0);
        evdns_base_resolv_conf_parse(round->dns, DNS_OPTIONS_ALL,
                                     "/etc/resolv.conf");
        round->connection = evhttp_connection_base_bufferevent_new(
            base, round->dns, bev, bare,
            port > 0 ? port : tls ? 443 : 80);
        evhttp_connection_set_timeout(round->connection, q->timeout);
        evhttp_connection_set_max_headers_size(round->connection,
                                               MAX_HEADERS);
        evhttp_connection_set_max_body_size(round->connection, q->max_size);
    }
    free(bare);
    return error;
}

static char *
path_and_query(const struct evhttp_uri *uri)
{
    const char *path = evhttp_uri_get_path(uri);
    const char *query = evhttp_uri_get_query(uri);

    return xasprintf("%s%s%s", path && path[0] ? path : "/",
                     query ? "?" : "", query ? query : "");
}

static void
send_request(struct http_round *round)
{
    struct evhttp_request *request = evhttp_request_new(on_answer, round);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    const char *host = evhttp_uri_get_host(round->uri);
    int port = evhttp_uri_get_port(round->uri);
    char *path = path_and_query(round->uri);
    char *name = (port > 0 ? xasprintf("%s:%d", host, port)
                  : xstrdup(host));

    evhttp_request_set_error_cb(request, on_failure);
    evhttp_add_header(headers, "Host", name);
    evhttp_add_header(headers, "User-Agent", "ovs-sg/"SG_VERSION);
    evhttp_add_header(headers, "Accept", "application/json, text/plain");
    evhttp_add_header(headers, "Connection", "close");
    if (round->asker->etag) {
        evhttp_add_header(headers, "If-None-Match", round->asker->etag);
    }
    int error = evhttp_make_request(round->connection, request,
                                    EVHTTP_REQ_GET, path);
    free(name);
    free(path);
    if (error && round->asker) {
        finish(round, 0, NULL, 0, xstrdup("no connection can be made"));
    }
}

static void
http_ask(struct sg_asker *asker)
{
    const struct sg_addresses *q = asker->question;
    struct timeval tv = { q->timeout, 0 };
    struct http_round *round = xzalloc(sizeof *round);
    char *error = NULL;

    round->asker = asker;
    asker->round = round;
    round->uri = evhttp_uri_parse(q->targets[0]);
    round->deadline = evtimer_new(asker->thread->base, on_deadline, round);
    event_add(round->deadline, &tv);
    if (!round->uri || !evhttp_uri_get_host(round->uri)
        || !evhttp_uri_get_host(round->uri)[0]) {
        error = xstrdup("this is no URL");
    } else {
        error = connect_to(round, !strcmp(evhttp_uri_get_scheme(round->uri),
                                          "https"));
    }
    if (error) {
        finish(round, 0, NULL, 0, error);
    } else {
        send_request(round);
    }
}

static void
http_cancel(struct sg_asker *asker)
{
    struct http_round *round = asker->round;

    asker->round = NULL;
    round->asker = NULL;
    sg_thread_discard(asker->thread, round_destroy, round);
}

const struct sg_source_class sg_http_source = { http_ask, http_cancel, NULL };
