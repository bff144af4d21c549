/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *		What the fuzzers share: how they are run, and how they complain.
 *
 * A fuzzer is LLVMFuzzerTestOneInput() with some seeds and tokens.  With
 * WITH_LIBFUZZER it is linked with libFuzzer, which finds its way by coverage;
 * without, it is a program that mutates seeds at random:
 *
 *		fuzz_json SECONDS [SEED [DIRECTORY]]
 *
 * which begins with every seed and every file of the directory as it is.
 * Either way half of the mutations are ours, which know the tokens.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_FUZZ_H
#define OG_FUZZ_H

/* Longest input. */
#define FUZZ_MAX_INPUT	8192

#define must(condition) \
	((condition) ? (void) 0 : fuzz_fail(#condition, __FILE__, __LINE__))

/* Of the fuzzer: NULL at the end. */
extern const char *const fuzz_seeds[];
extern const char *const fuzz_tokens[];
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* This is being tried: what a failure shows. */
extern void fuzz_input(const uint8_t *data, size_t size);

extern void fuzz_fail(const char *condition, const char *file, int line)
			__attribute__((noreturn));

#endif							/* OG_FUZZ_H */
