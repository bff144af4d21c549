/*-------------------------------------------------------------------------
 *
 * server_shim.h
 *		What the pure rooms need of a server, without one.
 *
 * palloc and its relatives stand on malloc and keep count; an error ends the
 * program, since the pure rooms raise none.  Interrupts can be made pending
 * for good: then each place that looks for them is counted, which measures
 * how much work was done without asking a clock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_SERVER_SHIM_H
#define OG_SERVER_SHIM_H

/* Bytes that palloc handed out and that were not freed; most there ever were. */
extern size_t shim_in_use;
extern size_t shim_peak;

/* Free all of it, as the reset of a context would. */
extern void shim_forget(void);

/* Measure the peak from here on. */
extern void shim_reset_peak(void);

/* The next allocation that may fail does. */
extern bool shim_out_of_memory;

/* Visits of CHECK_FOR_INTERRUPTS() while counting was on. */
extern int64 shim_interrupts;
extern void shim_count_interrupts(bool on);

#endif							/* OG_SERVER_SHIM_H */
