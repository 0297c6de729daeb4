/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include <config.h>

#include "script/install.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "util.h"

/* The first of the 'n' 'places', seen from the folder of this program, where
 * 'file' can be accessed as 'mode' says; or NULL. */
static char *
find_beside_program(const char *const places[], size_t n, const char *file,
                    int mode)
{
    char *program = follow_symlinks("/proc/self/exe");
    char *folder = dir_name(program);
    char *found = NULL;

    for (size_t i = 0; i < n && !found; i++) {
        char *place = xasprintf("%s/%s", folder, places[i]);
        char *path = xasprintf("%s/%s", place, file);

        if (!access(path, mode)) {
            found = place;
        } else {
            free(place);
        }
        free(path);
    }
    free(folder);
    free(program);
    return found;
}

char *
sg_install_luadir(void)
{
    static const char *const places[] = {
        "lua", "../lua", "../share/ovs-sg/lua"
    };
    const char *env = getenv("OVS_SG_LUADIR");
    char *beside = NULL;

    if (env && env[0]) {
        return xstrdup(env);
    } else if (access(SG_LUADIR "/sg/lang/init.lua", R_OK)) {
        beside = find_beside_program(places, ARRAY_SIZE(places),
                                     "sg/lang/init.lua", R_OK);
    }
    return beside ? beside : xstrdup(SG_LUADIR);
}

/* Beside the program first: it must be of the same version. */
char *
sg_install_interpreter(void)
{
    static const char *const places[] = { ".", "../libexec/ovs-sg" };
    const char *env = getenv("OVS_SG_SCRIPT");

    if (env && env[0]) {
        return xstrdup(env);
    }

    char *folder = find_beside_program(places, ARRAY_SIZE(places),
                                       "ovs-sg-script", X_OK);
    char *program = (folder ? xasprintf("%s/ovs-sg-script", folder)
                     : xstrdup(SG_LIBEXECDIR "/ovs-sg-script"));
    free(folder);
    return program;
}
