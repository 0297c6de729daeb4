/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Files, watched by inotify
 * =========================
 *
 * What is watched is the folder: a file that is replaced by rename, deleted
 * or not there yet has no inode of its own to watch.  Where the path leads
 * over symbolic links, the folder of the file at their end is watched, too.
 * Whatever happens in one of them, the file is looked at, and read if it is
 * another one or has changed.
 *
 * Some file systems (NFS) tell nothing.  Therefore every file is also read
 * once in an interval. */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "policy/policy.h"
#include "resolve/asker.h"
#include "resolve/parse.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(sg_resolve_file);

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE \
                | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

/* Several changes in a row are read once (milliseconds). */
#define SETTLE 50

/* One for the thread. */
struct sg_watcher {
    int fd;                     /* inotify(7). */
    struct event *event;
};

/* One for each file. */
struct sg_file_state {
    int folders[2];             /* Watches: of the path, of the file that it
                                 * leads to; -1: none. */
    bool seen;                  /* 'stat' tells what was read last. */
    struct stat stat;
    struct sg_listing listing;  /* What was read. */
};

/* Watching. */

static bool
is_watched(const struct sg_asker *asker, int watch)
{
    return (asker->file && watch >= 0
            && (asker->file->folders[0] == watch
                || asker->file->folders[1] == watch));
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
    return (a->st_dev == b->st_dev && a->st_ino == b->st_ino
            && a->st_size == b->st_size && a->st_mode == b->st_mode
            && !memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim)
            && !memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim));
}

/* A file that was written just before it was read may be written again in the
 * same tick of the clock of its file system. */
static bool
is_fresh(const struct stat *stat)
{
    return time(NULL) - stat->st_mtim.tv_sec < 2;
}

static void
look(struct sg_asker *asker)
{
    struct sg_file_state *state = asker->file;
    struct stat now;
    bool there = !stat(asker->question->targets[0], &now);

    /* In a folder like /run others come and go all the time. */
    if (state->seen
        ? !there || !same_file(&now, &state->stat) || is_fresh(&now)
        : there) {
        sg_asker_hurry(asker, SETTLE);
    }
}

static void
on_inotify(evutil_socket_t fd, short what OVS_UNUSED, void *thread_)
{
    struct sg_thread *thread = thread_;
    union {
        struct inotify_event event;
        char bytes[4096];
    } buffer;
    ssize_t n;

    while ((n = read(fd, &buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < n; ) {
            struct inotify_event event;
            struct sg_asker *asker;

            memcpy(&event, buffer.bytes + i, sizeof event);
            HMAP_FOR_EACH (asker, node, &thread->askers) {
                if (is_watched(asker, event.wd)
                    || (asker->file && event.mask & IN_Q_OVERFLOW)) {
                    look(asker);
                }
            }
            i += sizeof event + event.len;
        }
    }
}

static struct sg_watcher *
get_watcher(struct sg_thread *thread)
{
    if (!thread->watcher) {
        int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

        if (fd < 0) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);

            VLOG_WARN_RL(&rl, "files of addresses cannot be watched (%s) and "
                         "are read once in their interval",
                         ovs_strerror(errno));
            return NULL;
        }
        thread->watcher = xzalloc(sizeof *thread->watcher);
        thread->watcher->fd = fd;
        thread->watcher->event = event_new(thread->base, fd,
                                           EV_READ | EV_PERSIST, on_inotify,
                                           thread);
        event_add(thread->watcher->event, NULL);
    }
    return thread->watcher;
}

void
sg_watcher_destroy(struct sg_watcher *watcher)
{
    if (watcher) {
        event_free(watcher->event);
        close(watcher->fd);
        free(watcher);
    }
}

static int
watch_folder_of(const struct sg_watcher *watcher, const char *path)
{
    char *folder = dir_name(path);
    int watch = inotify_add_watch(watcher->fd, folder, EVENTS);

    free(folder);
    return watch;
}

/* Ends 'watch' of 'asker', unless another file is watched by it. */
static void
drop_watch(struct sg_asker *asker, int watch)
{
    const struct sg_asker *other;

    if (watch < 0 || is_watched(asker, watch)) {
        return;
    }
    HMAP_FOR_EACH (other, node, &asker->thread->askers) {
        if (is_watched(other, watch)) {
            return;
        }
    }
    inotify_rm_watch(asker->thread->watcher->fd, watch);
}

/* Before each look at the file, because folders may have been replaced. */
static void
watch(struct sg_asker *asker)
{
    struct sg_watcher *watcher = get_watcher(asker->thread);
    const char *path = asker->question->targets[0];
    int old[2];

    if (!asker->file) {
        asker->file = xzalloc(sizeof *asker->file);
        asker->file->folders[0] = asker->file->folders[1] = -1;
    }
    if (watcher) {
        char *real = realpath(path, NULL);

        memcpy(old, asker->file->folders, sizeof old);
        asker->file->folders[0] = watch_folder_of(watcher, path);
        asker->file->folders[1] = real ? watch_folder_of(watcher, real) : -1;
        drop_watch(asker, old[0]);
        drop_watch(asker, old[1]);
        free(real);
    }
}

static void
file_forget(struct sg_asker *asker)
{
    if (asker->file) {
        int old[2];

        memcpy(old, asker->file->folders, sizeof old);
        asker->file->folders[0] = asker->file->folders[1] = -1;
        if (asker->thread->watcher) {
            drop_watch(asker, old[0]);
            drop_watch(asker, old[1]);
        }
        sg_listing_destroy(&asker->file->listing);
        free(asker->file);
        asker->file = NULL;
    }
}

/* Reading. */

static char *
read_all(int fd, const struct sg_addresses *q, char **text, size_t *len)
{
    size_t size = q->max_size + 1;
    ssize_t n = 1;

    *text = xmalloc(size);
    *len = 0;
    while (n && *len < size) {
        n = read(fd, *text + *len, size - *len);
        if (n < 0 && errno != EINTR) {
            return xasprintf("%s cannot be read: %s", q->targets[0],
                             ovs_strerror(errno));
        }
        *len += MAX(n, 0);
    }
    return (*len > q->max_size
            ? xasprintf("%s has more than %"PRIuSIZE" bytes; raise max_size "
                        "if that is right", q->targets[0], q->max_size)
            : NULL);
}

static char *
read_file(struct sg_asker *asker, char **text, size_t *len)
{
    const char *path = asker->question->targets[0];
    /* A pipe or a terminal must not hold us up. */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    char *error;

    *text = NULL;
    *len = 0;
    if (fd < 0) {
        return xasprintf("%s cannot be opened: %s", path,
                         ovs_strerror(errno));
    }
    asker->file->seen = !fstat(fd, &asker->file->stat);
    if (!asker->file->seen || !S_ISREG(asker->file->stat.st_mode)) {
        error = xasprintf("%s is no regular file", path);
    } else {
        error = read_all(fd, asker->question, text, len);
    }
    close(fd);
    return error;
}

static void
file_ask(struct sg_asker *asker)
{
    struct sg_prefix *prefixes = NULL;
    char *error, *text;
    size_t len, n = 0;

    watch(asker);
    asker->file->seen = false;
    error = read_file(asker, &text, &len);
    if (!error) {
        error = sg_listing_parse(&asker->file->listing, text, len,
                                 asker->question, &prefixes, &n);
        if (error) {
            char *longer = xasprintf("%s: %s", asker->question->targets[0],
                                     error);

            free(error);
            error = longer;
        }
    }
    free(text);
    sg_asker_answer(asker, error ? 0 : SG_IP_ANY, prefixes, n, error, 0);
}

/* A round is over before anybody could cancel it. */
static void
file_cancel(struct sg_asker *asker OVS_UNUSED)
{
    OVS_NOT_REACHED();
}

const struct sg_source_class sg_file_source = {
    file_ask, file_cancel, file_forget
};
