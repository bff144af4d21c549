#include "postgres.h"
#include "access/xact.h"
#include "worker/worker_keep.h"
#include "worker/worker_recover.h"
#include "worker/worker_standby.h"
bool og_standby_is_asked(void) { return false; }
XLogRecPtr og_standby_position(void) { return PG_UINT64_MAX; }
bool og_keep_step(const OgInstallation *installation) { return false; }
void og_recover(OgInstallation *installation) { StartTransactionCommand(); og_journal_installation(installation); CommitTransactionCommand(); }
bool og_recover_may_send(const OgInstallation *installation) { return true; }
bool og_recover_try(const OgInstallation *installation, int64 call_id) { return true; }
void og_recover_tick(OgInstallation *installation, int64 oldest_open_call) { }
