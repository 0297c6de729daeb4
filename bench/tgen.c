/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Traffic for the benchmark
 * =========================
 *
 *     tgen serve PORT
 *     tgen bulk ADDRESS PORT SECONDS       one TCP stream: bytes
 *     tgen rr   ADDRESS PORT SECONDS N     N connections: requests of a byte
 *     tgen crr  ADDRESS PORT SECONDS N     the same, each on a new connection
 *     tgen udp  ADDRESS PORT SECONDS SIZE  datagrams of SIZE bytes
 *     tgen new  ADDRESS PORT N             N datagrams, each from a new port
 *
 * A client prints how many of those arrived in a second, as a number.  For
 * `bulk' and `udp' it is the server who counts, and is asked over a connection
 * of its own; `new' prints how many datagrams it has sent.
 *
 * What a TCP connection is for, its first byte says. */

#include <config.h>
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum purpose {
    ECHO = 'e',                 /* Every byte is answered. */
    SINK = 's',                 /* What comes is counted. */
    QUERY = 'q'                 /* Answered with the struct counts. */
};

/* What has arrived since the last query. */
struct counts {
    uint64_t bytes;             /* On SINK connections. */
    uint64_t datagrams;
};

enum {
    BATCH = 64,                 /* Datagrams in a system call. */
    MAX_EVENTS = 256,
    MAX_FDS = 65536,
    PATIENCE = 10               /* Seconds, beyond those asked for. */
};

static char buffer[1 << 17];

static double
now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static struct sockaddr_in
address(const char *host, const char *port)
{
    struct sockaddr_in sin;

    memset(&sin, 0, sizeof sin);
    sin.sin_family = AF_INET;
    sin.sin_port = htons(atoi(port));
    if (host && !inet_aton(host, &sin.sin_addr)) {
        errx(2, "%s is no IPv4 address", host);
    }
    return sin;
}

static void
epoll_set(int epoll, int op, int fd, uint32_t events)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll, op, fd, &event)) {
        err(1, "epoll_ctl");
    }
}

/* Vectors of BATCH datagrams of 'size' bytes. */
static struct mmsghdr *
datagrams(size_t size)
{
    static struct mmsghdr messages[BATCH];
    static struct iovec iovs[BATCH];

    for (int i = 0; i < BATCH; i++) {
        /* Nobody looks at what is in them, so they may share the buffer. */
        iovs[i].iov_base = buffer;
        iovs[i].iov_len = size;
        messages[i].msg_hdr.msg_iov = &iovs[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    return messages;
}

/* The server. */

struct server {
    int epoll;
    int listener;               /* TCP. */
    int udp;
    struct counts counts;
    enum purpose purpose[MAX_FDS];  /* Of each connection; 0: not said yet. */
};

static int
bound_socket(int type, const struct sockaddr_in *sin)
{
    int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
    int one = 1;
    int big = 8 << 20;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (type == SOCK_DGRAM) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
    }
    if (bind(fd, (const struct sockaddr *) sin, sizeof *sin)
        || (type == SOCK_STREAM && listen(fd, 4096))) {
        err(1, "port %d", ntohs(sin->sin_port));
    }
    return fd;
}

static void
set_nodelay(int fd)
{
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void
server_accept(struct server *server)
{
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MAX_FDS) {
            errx(1, "too many connections");
        }
        set_nodelay(fd);
        server->purpose[fd] = 0;
        epoll_set(server->epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
    }
}

static void
server_receive_datagrams(struct server *server)
{
    struct mmsghdr *messages = datagrams(2048);
    int n;

    while ((n = recvmmsg(server->udp, messages, BATCH, 0, NULL)) > 0) {
        server->counts.datagrams += n;
    }
}

/* Serves a connection; false if it is over. */
static bool
server_converse(struct server *server, int fd)
{
    ssize_t n = read(fd, buffer, sizeof buffer);

    if (n <= 0) {
        return n < 0 && errno == EAGAIN;
    }
    if (!server->purpose[fd]) {
        server->purpose[fd] = buffer[0];
    }
    switch (server->purpose[fd]) {
    case ECHO:
        return write(fd, buffer, n) == n;
    case SINK:
        server->counts.bytes += n;
        return true;
    case QUERY:
        n = write(fd, &server->counts, sizeof server->counts);
        memset(&server->counts, 0, sizeof server->counts);
        return n == sizeof server->counts;
    default:
        return false;
    }
}

static void
serve(const char *port)
{
    static struct server server;
    struct sockaddr_in sin = address(NULL, port);
    struct epoll_event events[MAX_EVENTS];

    server.epoll = epoll_create1(0);
    server.listener = bound_socket(SOCK_STREAM, &sin);
    server.udp = bound_socket(SOCK_DGRAM, &sin);
    epoll_set(server.epoll, EPOLL_CTL_ADD, server.listener, EPOLLIN);
    epoll_set(server.epoll, EPOLL_CTL_ADD, server.udp, EPOLLIN);
    for (;;) {
        int n = epoll_wait(server.epoll, events, MAX_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == server.listener) {
                server_accept(&server);
            } else if (fd == server.udp) {
                server_receive_datagrams(&server);
            } else if (!server_converse(&server, fd)) {
                close(fd);
            }
        }
    }
}

/* The clients. */

/* Returns a connection, or -1; a 'nonblocking' one may not be open yet. */
static int
dial(const struct sockaddr_in *sin, bool nonblocking)
{
    int fd = socket(AF_INET, SOCK_STREAM | (nonblocking ? SOCK_NONBLOCK : 0),
                    0);

    if (fd < 0) {
        err(1, "socket");
    }
    set_nodelay(fd);
    if (connect(fd, (const struct sockaddr *) sin, sizeof *sin)
        && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

static int
dial_or_die(const struct sockaddr_in *sin)
{
    int fd = dial(sin, false);

    if (fd < 0) {
        err(1, "connect");
    }
    return fd;
}

/* What the server has counted since the last query. */
static struct counts
query(const struct sockaddr_in *sin)
{
    char purpose = QUERY;
    struct counts counts;
    int fd = dial_or_die(sin);

    if (write(fd, &purpose, 1) != 1
        || recv(fd, &counts, sizeof counts, MSG_WAITALL) != sizeof counts) {
        err(1, "query");
    }
    close(fd);
    return counts;
}

static double
bulk(const struct sockaddr_in *sin, double seconds)
{
    double start, end;
    int fd;

    query(sin);
    fd = dial_or_die(sin);
    memset(buffer, SINK, sizeof buffer);
    start = now();
    do {
        if (write(fd, buffer, sizeof buffer) < 0) {
            err(1, "write");
        }
        end = now();
    } while (end - start < seconds);
    /* Not what is still in this host's buffers. */
    return query(sin).bytes / (now() - start);
}

static void
request_or_die(int fd)
{
    char request = ECHO;

    if (write(fd, &request, 1) != 1) {
        err(1, "write");
    }
}

static double
request_response(const struct sockaddr_in *sin, double seconds, int n_conns)
{
    struct epoll_event events[MAX_EVENTS];
    int epoll = epoll_create1(0);
    uint64_t n_answers = 0;
    double start, end;

    for (int i = 0; i < n_conns; i++) {
        int fd = dial_or_die(sin);

        epoll_set(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
        request_or_die(fd);
    }
    start = now();
    do {
        int n = epoll_wait(epoll, events, MAX_EVENTS, 100);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (read(fd, buffer, 16) <= 0) {
                err(1, "read");
            }
            n_answers++;
            request_or_die(fd);
        }
        end = now();
    } while (end - start < seconds);
    return n_answers / (end - start);
}

/* Begins a connection that asks once it is open. */
static void
worker_dial(const struct sockaddr_in *sin, int epoll)
{
    int fd;

    while ((fd = dial(sin, true)) < 0) {
        usleep(1000);           /* No free port, say. */
    }
    epoll_set(epoll, EPOLL_CTL_ADD, fd, EPOLLOUT);
}

/* Goes on with a connection; true when it has been answered, or is over. */
static bool
worker_step(int epoll, const struct epoll_event *event, uint64_t *n_answers)
{
    char request = ECHO;
    int fd = event->data.fd;

    if (event->events & EPOLLOUT) {
        if (write(fd, &request, 1) != 1) {
            return true;
        }
        epoll_set(epoll, EPOLL_CTL_MOD, fd, EPOLLIN);
        return false;
    }
    *n_answers += read(fd, buffer, 16) > 0;
    return true;
}

static double
connect_request_response(const struct sockaddr_in *sin, double seconds,
                         int n_workers)
{
    struct epoll_event events[MAX_EVENTS];
    int epoll = epoll_create1(0);
    uint64_t n_answers = 0;
    double start, end;

    for (int i = 0; i < n_workers; i++) {
        worker_dial(sin, epoll);
    }
    start = now();
    do {
        int n = epoll_wait(epoll, events, MAX_EVENTS, 100);

        for (int i = 0; i < n; i++) {
            if (worker_step(epoll, &events[i], &n_answers)) {
                close(events[i].data.fd);
                worker_dial(sin, epoll);
            }
        }
        end = now();
    } while (end - start < seconds);
    return n_answers / (end - start);
}

static double
udp(const struct sockaddr_in *sin, double seconds, size_t size)
{
    struct mmsghdr *messages = datagrams(size);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    double start, end;

    if (connect(fd, (const struct sockaddr *) sin, sizeof *sin)) {
        err(1, "connect");
    }
    query(sin);
    start = now();
    do {
        sendmmsg(fd, messages, BATCH, 0);
        end = now();
    } while (end - start < seconds);
    usleep(300000);             /* The last ones are on their way. */
    return query(sin).datagrams / (end - start);
}

/* Waits a little after each few datagrams, so that none is lost: what one
 * costs is wanted here, not how many there can be. */
static double
new_flows(const struct sockaddr_in *sin, int n)
{
    int sent = 0;

    for (int i = 0; i < n; i++) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        if (connect(fd, (const struct sockaddr *) sin, sizeof *sin)) {
            err(1, "connect");
        }
        sent += send(fd, "x", 1, 0) == 1;
        close(fd);
        if (i % 8 == 7) {
            usleep(2000);
        }
    }
    return sent;
}

int
main(int argc, char *argv[])
{
    const char *what = argc > 1 ? argv[1] : "";
    double number = argc > 4 ? atof(argv[4]) : 0;
    int n = argc > 5 ? atoi(argv[5]) : 0;
    struct sockaddr_in sin;
    double result;

    if (argc == 3 && !strcmp(what, "serve")) {
        serve(argv[2]);
    } else if (argc < 5) {
        errx(2, "usage: see the head of tgen.c");
    }
    sin = address(argv[2], argv[3]);
    alarm(PATIENCE + (strcmp(what, "new") ? (unsigned int) number : 60));
    if (!strcmp(what, "bulk")) {
        result = bulk(&sin, number);
    } else if (!strcmp(what, "rr") && n > 0) {
        result = request_response(&sin, number, n);
    } else if (!strcmp(what, "crr") && n > 0) {
        result = connect_request_response(&sin, number, n);
    } else if (!strcmp(what, "udp") && n > 0) {
        result = udp(&sin, number, n);
    } else if (!strcmp(what, "new")) {
        result = new_flows(&sin, number);
    } else {
        errx(2, "usage: see the head of tgen.c");
    }
    printf("%.1f\n", result);
    return 0;
}
