/*-------------------------------------------------------------------------
 *
 * server_answer.h
 *		What the benchmark's order API answers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BENCH_SERVER_ANSWER_H
#define BENCH_SERVER_ANSWER_H

#include <stdbool.h>

#include "text.h"

/* Where the answers to reads lie. */
extern void read_bodies_from(const char *directory);

/*
 * Write the answer to a request, whose body may be changed.  False if there is
 * none.
 */
extern bool answer_request(char *request, char *body, Text *answer);

#endif							/* BENCH_SERVER_ANSWER_H */
