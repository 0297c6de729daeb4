/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#ifndef SG_CTL_FACTS_FILE_H
#define SG_CTL_FACTS_FILE_H 1

/* The file of `--ports': facts in place of the switch's database. */

#include <stdbool.h>

struct sg_facts;

/* Reads 'file' (its form is in policy/port.h) into 'facts', which is empty.
 * False: it could not, and has said why on stderr. */
bool facts_file_read(const char *file, struct sg_facts *facts);

#endif /* ctl/facts-file.h */
