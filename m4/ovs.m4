# Licensed under the Apache License, Version 2.0; see LICENSE.

# SG_CHECK_OVS
# ------------
# Finds a built Open vSwitch source tree and sets
#
#   OVS_SOURCE, OVS_BUILD   the two directories (often the same one),
#   OVS_CPPFLAGS            for its headers, as system headers: warnings in
#                           them are not ours to mend,
#   OVS_LIBS                the static libraries and what they need.
#
# What the library needs is read from libopenvswitch.la, because it depends on
# how that tree was configured.  The libtool archive is not linked itself: it
# has absolute names inside, and the tree in the cache was built elsewhere.
AC_DEFUN([SG_CHECK_OVS],
  [AC_ARG_WITH([ovs-source],
     [AS_HELP_STRING([--with-ovs-source=DIR],
        [Open vSwitch source tree (default: the one in the cache, which
         build-aux/build-ovs fills)])])
   AC_ARG_WITH([ovs-build],
     [AS_HELP_STRING([--with-ovs-build=DIR],
        [where that tree was built (default: in the source tree)])])
   AC_MSG_CHECKING([for a built Open vSwitch tree])
   AS_CASE([$with_ovs_source],
     [no], [AC_MSG_ERROR([Open vSwitch cannot be left out])],
     [''|yes],
       [OVS_SOURCE=`CC="$CC" "$srcdir/build-aux/build-ovs" --print 2>/dev/null`],
     [OVS_SOURCE=`cd "$with_ovs_source" 2>/dev/null && pwd`
      AS_IF([test -z "$OVS_SOURCE"],
        [AC_MSG_ERROR([--with-ovs-source: $with_ovs_source is no directory])])])
   AS_CASE([$with_ovs_build],
     [''|yes|no], [OVS_BUILD=$OVS_SOURCE],
     [OVS_BUILD=`cd "$with_ovs_build" 2>/dev/null && pwd`
      AS_IF([test -z "$OVS_BUILD"],
        [AC_MSG_ERROR([--with-ovs-build: $with_ovs_build is no directory])])])
   AS_IF([test -z "$OVS_SOURCE" || test -z "$OVS_BUILD"],
     [AC_MSG_RESULT([no])
      AC_MSG_ERROR([m4_normalize([there is no built Open vSwitch tree: install
        the Debian package openvswitch-source and run build-aux/build-ovs, or
        give your own with --with-ovs-source=DIR and --with-ovs-build=DIR])])])
   AC_MSG_RESULT([$OVS_BUILD])

   for sg_file in "$OVS_SOURCE/lib/vlog.c" \
                  "$OVS_SOURCE/include/openvswitch/vlog.h" \
                  "$OVS_BUILD/config.h" "$OVS_BUILD/lib/vswitch-idl.h" \
                  "$OVS_BUILD/lib/libopenvswitch.la" \
                  "$OVS_BUILD/lib/.libs/libopenvswitch.a"; do
     AS_IF([test -e "$sg_file"], [],
       [AC_MSG_ERROR([m4_normalize([$sg_file is missing: the tree must be
          configured with --disable-shared and built with "make"])])])
   done
   AS_IF([grep '^#define HAVE_OPENSSL 1' "$OVS_BUILD/config.h" >/dev/null], [],
     [AC_MSG_ERROR([m4_normalize([the Open vSwitch tree in $OVS_BUILD was built
        without TLS: install the Debian package libssl-dev and build it again
        with --enable-ssl])])])

   OVS_CPPFLAGS="-isystem $OVS_BUILD -isystem $OVS_SOURCE/include"
   OVS_CPPFLAGS="$OVS_CPPFLAGS -isystem $OVS_SOURCE/lib"
   OVS_CPPFLAGS="$OVS_CPPFLAGS -isystem $OVS_SOURCE"
   AS_IF([test "$OVS_BUILD" != "$OVS_SOURCE"],
     [OVS_CPPFLAGS="-isystem $OVS_BUILD/include -isystem $OVS_BUILD/lib $OVS_CPPFLAGS"])
   OVS_LIBS="$OVS_BUILD/lib/.libs/libopenvswitch.a"
   sg_ovs_deps=`sed -n "s/^dependency_libs='\(.*\)'/\1/p" \
                  "$OVS_BUILD/lib/libopenvswitch.la"`
   for sg_dep in $sg_ovs_deps; do
     AS_CASE([$sg_dep],
       [*/lib*.la],
         [sg_dep=`basename "$sg_dep" .la`
          sg_dep="$OVS_BUILD/lib/.libs/$sg_dep.a"])
     OVS_LIBS="$OVS_LIBS $sg_dep"
   done
   OVS_LIBS="$OVS_LIBS -lpthread -lrt"
   AC_SUBST([OVS_SOURCE])
   AC_SUBST([OVS_BUILD])
   AC_SUBST([OVS_CPPFLAGS])
   AC_SUBST([OVS_LIBS])
   AC_CACHE_CHECK([whether programs link with libopenvswitch], [sg_cv_ovs_links],
     [sg_save_CPPFLAGS=$CPPFLAGS
      sg_save_LIBS=$LIBS
      CPPFLAGS="$CPPFLAGS $OVS_CPPFLAGS"
      LIBS="$OVS_LIBS $LIBS"
      AC_LINK_IFELSE(
        [AC_LANG_PROGRAM([[#include <config.h>
                           #include "stream.h"
                           #include "util.h"]],
           [[ovs_set_program_name("x", "y"); stream_usage("", true, true, true);]])],
        [sg_cv_ovs_links=yes], [sg_cv_ovs_links=no])
      CPPFLAGS=$sg_save_CPPFLAGS
      LIBS=$sg_save_LIBS])
   AS_IF([test "$sg_cv_ovs_links" = yes], [],
     [AC_MSG_ERROR([m4_normalize([cannot link with $OVS_BUILD: config.log has
        the reason; build that tree again with this compiler])])])])

# SG_CHECK_OVS_PLUGIN
# -------------------
# Finds the tree of a patched Open vSwitch (ovs-patches/), if one is named, and
# sets
#
#   OVS_PLUGIN_TREE         its directory, or nothing,
#   OVS_PLUGIN_CPPFLAGS     for its headers,
#   HAVE_OVS_PLUGIN         whether ovs-sg.so is built.
AC_DEFUN([SG_CHECK_OVS_PLUGIN],
  [AC_ARG_WITH([ovs-plugin],
     [AS_HELP_STRING([--with-ovs-plugin=TREE],
        [build ovs-sg.so, the plugin for ovs-vswitchd, for the patched and
         built Open vSwitch tree that "build-aux/build-ovs --patched" makes
         (default: do not build it)])],
     [], [with_ovs_plugin=no])
   AC_MSG_CHECKING([for a patched Open vSwitch tree])
   OVS_PLUGIN_TREE=
   AS_CASE([$with_ovs_plugin],
     [no], [AC_MSG_RESULT([not asked for; no ovs-sg.so])],
     [''|yes],
       [AC_MSG_RESULT([no])
        AC_MSG_ERROR([m4_normalize([--with-ovs-plugin needs the directory of
           the tree: "build-aux/build-ovs --patched" prints it])])],
     [AS_IF([test -d "$with_ovs_plugin"],
        [OVS_PLUGIN_TREE=`cd "$with_ovs_plugin" && pwd`])
      AC_MSG_RESULT([${OVS_PLUGIN_TREE:-no}])
      for sg_file in include/openvswitch/plugin.h config.h \
                     lib/vswitch-idl.h vswitchd/ovs-vswitchd; do
        AS_IF([test -e "$OVS_PLUGIN_TREE/$sg_file"], [],
          [AC_MSG_ERROR([m4_normalize([$with_ovs_plugin/$sg_file is missing:
             run "build-aux/build-ovs --patched" and give the directory that it
             prints])])])
      done])
   OVS_PLUGIN_CPPFLAGS="-isystem $OVS_PLUGIN_TREE"
   for sg_dir in include lib; do
     OVS_PLUGIN_CPPFLAGS="$OVS_PLUGIN_CPPFLAGS -isystem $OVS_PLUGIN_TREE/$sg_dir"
   done
   AC_SUBST([OVS_PLUGIN_TREE])
   AC_SUBST([OVS_PLUGIN_CPPFLAGS])
   AM_CONDITIONAL([HAVE_OVS_PLUGIN], [test -n "$OVS_PLUGIN_TREE"])])
