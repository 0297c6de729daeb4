/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_SCRIPT_INSTALL_H
#define SG_SCRIPT_INSTALL_H 1

/* Where the parts that are no C library are found: where they should have
 * been installed, or beside the program, which may run from its build folder
 * or from an installation under another root (`make install DESTDIR=...'). */

/* The folder that has sg/lang/ in it: $OVS_SG_LUADIR, or the installed one.
 * The caller frees it. */
char *sg_install_luadir(void);

/* The program ovs-sg-script: $OVS_SG_SCRIPT, the one beside this program, or
 * the installed one.  The caller frees it. */
char *sg_install_interpreter(void);

#endif /* script/install.h */
