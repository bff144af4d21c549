# The processes of the gateway: which databases have a worker, when it starts,
# steps aside and ends.  What it does with calls is tested elsewhere.

use strict;
use warnings;
use utf8;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils ();
use Test::More;
use Time::HiRes qw(sleep time);

my $TIMEOUT = $PostgreSQL::Test::Utils::timeout_default;

my $node = PostgreSQL::Test::Cluster->new('main');

$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', <<'END');
shared_preload_libraries = 'order_gateway'
order_gateway.databases = 'ERP, "Bi", later, erp'
restart_after_crash = on
max_worker_processes = 8
shared_buffers = 32MB
END
$node->start;

# ----
# What can be seen
# ----

sub sql
{
	my ($sql, $database) = @_;

	return $node->safe_psql($database // 'postgres', $sql);
}

sub fails_with
{
	my ($sql, $error, $name, %options) = @_;
	my ($exit, undef, $stderr) =
	  $node->psql($options{database} // 'postgres', $sql, %options);

	like($stderr, $error, $name);
	return;
}

sub wait_for
{
	my ($sql, $expected, $name) = @_;

	ok($node->poll_query_until('postgres', $sql, $expected), $name);
	return;
}

# The worker's process, or an empty string.
sub worker
{
	my ($database) = @_;

	return sql("SELECT pid FROM order_gateway_workers WHERE database = '$database'", 'home');
}

# Wait for a worker other than that one; returns its process.
sub another_worker
{
	my ($database, $before, $name) = @_;
	my $deadline = time + $TIMEOUT;
	my $pid = '';

	while (time < $deadline)
	{
		$pid = worker($database);
		last if $pid ne '' && $pid ne ($before // '');
		sleep 0.05;
	}
	isnt($pid, '', $name);
	isnt($pid, $before // '', '... a new process');
	return $pid;
}

sub no_worker
{
	my ($database, $name) = @_;

	ok( $node->poll_query_until('home',
			"SELECT pid IS NULL FROM order_gateway_workers WHERE database = '$database'"), $name);
	return;
}

sub why
{
	my ($database) = @_;

	return sql("SELECT last_error FROM order_gateway_workers WHERE database = '$database'",
		'home');
}

# What the worker of a database does, as the server sees it.
sub does
{
	my ($database, $expected, $name) = @_;

	wait_for("SELECT query FROM pg_stat_activity WHERE datname = '$database'"
		  . q{ AND backend_type = 'order_gateway worker'}, $expected, $name);
	return;
}

sub log_since { return PostgreSQL::Test::Utils::slurp_file($node->logfile, $_[0]); }
sub log_end { return -s $node->logfile; }

sub set_conf
{
	my ($setting, $value) = @_;

	sql("ALTER SYSTEM SET $setting = '$value'");
	sql('SELECT pg_reload_conf()');
	return;
}

# The view is asked for in a database that has the extension, and no worker.
sql('CREATE DATABASE home');
sql('CREATE EXTENSION order_gateway', 'home');
sql('CREATE DATABASE erp');
sql('CREATE DATABASE "Bi"');

# ----
# Which databases have one
# ----

my $ABSENT = 'order_gateway: the extension is not in this database';
my $IDLE = 'order_gateway: 0 in flight, 0 queued';

my $erp = another_worker('erp', undef, 'a database that is named has a worker');
another_worker('Bi', undef, '... also one whose name needs quotes');
is(sql('SELECT string_agg(database, $$, $$) FROM order_gateway_workers', 'home'),
	'erp, Bi, later', 'one row per name, in the order of the setting, folded');
is(worker('later'), '', 'a database that is not there has none');
is(why('later'), 'there is no database of this name', '... which is no error, but shown');
is(sql(q{SELECT since <= now(), queued, in_flight, quarantined, oldest_queued IS NULL,
		connections, last_commit IS NULL, waiting_for_standby, last_error IS NULL
		FROM order_gateway_workers WHERE database = 'erp'}, 'home'),
	't|0|0|0|t|0|t|f|t', 'what a new worker tells');
is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'order_gateway'
		AND backend_type NOT IN ('order_gateway worker', 'order_gateway launcher')}),
	0, 'they have names in pg_stat_activity');
unlike(log_since(0), qr/ERROR|PANIC|WARNING/, 'nothing of all that is an error in the log');
SKIP:
{
	skip 'wait events have names since PostgreSQL 17', 1 if $node->pg_version < 17;
	wait_for("SELECT wait_event FROM pg_stat_activity WHERE pid = $erp", 'OrderGatewayIdle',
		'it waits for nothing in particular');
}
sql('CREATE DATABASE later');
another_worker('later', undef, 'a database that is made later gets its worker');
is(why('later'), '', '... and nothing is in the way any more');

# ----
# Start again
# ----

sql("SELECT pg_terminate_backend($erp)");
$erp = another_worker('erp', $erp, 'a worker that was terminated is started again');
is(why('erp'), '', '... and that is not called an error');

my $launcher = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'order_gateway launcher'});
sql("SELECT pg_terminate_backend($launcher)");
wait_for("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'order_gateway launcher'"
	  . " AND pid <> $launcher", 1, 'so is the launcher');
is(worker('erp'), $erp, '... which leaves the workers as they are');
sql("SELECT pg_terminate_backend($erp)");
$erp = another_worker('erp', $erp, '... and starts them again');

# With all of them ended again and again, no database ever has two.
my $most = 0;
foreach my $round (1 .. 10)
{
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE backend_type ~ '^order_gateway' AND random() < 0.7});
	sleep 0.15;
	my $count = sql(q{SELECT max(count) FROM (SELECT count(*) FROM pg_locks
			WHERE locktype = 'advisory' AND granted GROUP BY database) AS l}) || 0;
	$most = $count if $count > $most;
}
cmp_ok($most, '<=', 1, 'a database never has two workers');
$erp = another_worker('erp', $erp, 'after all that there is one');

# What ends each of them does not make the launcher spin.
my %started;
my $begun = time;
while (time - $begun < 3)
{
	my ($ended) = sql(q{SELECT pid, pg_terminate_backend(pid) FROM order_gateway_workers
			WHERE database = 'erp' AND pid IS NOT NULL}, 'home') =~ /^(\d+)/;

	$started{$ended} = 1 if defined $ended;
}
cmp_ok(scalar(keys %started), '<=', 2 + (time - $begun), 'a worker is started once in a second at most');
$erp = another_worker('erp', undef, '... and is there in the end');

my $before = sql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'Bi'");
wait_for("SELECT xact_commit >= $before + 2 FROM pg_stat_database WHERE datname = 'Bi'", 't',
	'a worker reports statistics');

# ----
# What happens to it
# ----

# Nobody cancels a worker; it goes on, and has the next look.
does('erp', $ABSENT, 'a worker without the extension is idle');
sql("SELECT pg_cancel_backend($erp)");
sql('CREATE EXTENSION order_gateway', 'erp');
does('erp', $IDLE, '... and notices it when it is created');
sql("SELECT pg_cancel_backend($erp)");
sql('DROP EXTENSION order_gateway', 'erp');
does('erp', $ABSENT, '... and when it is dropped');
is(worker('erp'), $erp, '... all of it the same process, which nobody can cancel');

# What it cannot do is shown. lock_timeout is the worker's own, whatever is set.
sql(q{ALTER DATABASE erp SET lock_timeout = 0});
sql(q{ALTER DATABASE erp SET role = 'pg_monitor'});
sql(q{ALTER DATABASE erp SET default_transaction_read_only = on});
sql(q{ALTER DATABASE erp SET default_transaction_isolation = 'serializable'});
sql(q{ALTER ROLE CURRENT_USER SET statement_timeout = 1});
sql(q{ALTER ROLE CURRENT_USER RESET statement_timeout});
sql("SELECT pg_terminate_backend($erp)");
$erp = another_worker('erp', $erp, 'a worker in a database with settings of its own');
my $holder = $node->background_psql('erp');
$holder->query_safe($_)
  foreach 'SET ROLE NONE', 'BEGIN READ WRITE', 'LOCK TABLE pg_extension IN ACCESS EXCLUSIVE MODE';
ok( $node->poll_query_until('home',
		q{SELECT last_error ~ 'lock timeout' FROM order_gateway_workers WHERE database = 'erp'}),
	'a worker gives up waiting for a lock, which is shown as its last error');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(worker('erp'), $erp, '... which it survives');
like(why('erp'), qr/lock timeout/, '... and still shows');
sql('ALTER DATABASE erp RESET ALL');

# ----
# The setting
# ----

set_conf('order_gateway.databases', '"Bi"');
is(sql('SELECT string_agg(database, $$, $$) FROM order_gateway_workers', 'home'),
	'Bi', 'a reload is enough');
wait_for(q{SELECT count(*) FROM pg_stat_activity WHERE datname IN ('erp', 'later')
		AND backend_type = 'order_gateway worker'}, 0, '... to end workers');
set_conf('order_gateway.databases', 'erp, "Bi", later');
$erp = another_worker('erp', $erp, '... and to start them');
fails_with(q{ALTER SYSTEM SET order_gateway.databases = 'erp, "Bi'},
	qr/invalid value for parameter "order_gateway.databases".*List syntax/s,
	'the setting is a list of names');
fails_with(q{SET order_gateway.databases = 'erp'}, qr/cannot be changed now/,
	'... which no session can change');

# ----
# Commands that need a database without anybody in it
# ----

my $bi = another_worker('Bi', undef, 'the worker of Bi');

sql('ALTER DATABASE erp RENAME TO erp2');
no_worker('erp', 'a database can be renamed, and its worker goes');
ok( $node->poll_query_until('home',
		q{SELECT last_error FROM order_gateway_workers WHERE database = 'erp'},
		'there is no database of this name'), '... since nobody names it');
sql('ALTER DATABASE erp2 RENAME TO erp');
$erp = another_worker('erp', $erp, '... until it has its name again');

# Commands that fail.
fails_with('ALTER DATABASE erp RENAME TO "Bi"', qr/already exists/, 'a command that fails');
$erp = another_worker('erp', $erp, '... lets the worker come back');
sql('CREATE ROLE nobody_special LOGIN');
fails_with($_, qr/must be owner|permission denied/, "who may not does not: $_",
	extra_params => [ '-U', 'nobody_special' ])
  foreach 'ALTER DATABASE erp RENAME TO erp2', 'DROP DATABASE erp',
  'CREATE DATABASE copy TEMPLATE erp', 'ALTER DATABASE erp SET TABLESPACE pg_default';
is(worker('erp'), $erp, '... stop a worker');

# A transaction that goes on, and what it had done is rolled back.
my $session = $node->background_psql('postgres');
$session->query_safe($_)
  foreach 'BEGIN', 'SAVEPOINT a', 'SAVEPOINT b', 'ALTER DATABASE erp RENAME TO erp2',
  'RELEASE SAVEPOINT b';
is(worker('erp'), '', 'a worker is kept away as long as what was done may last');
is(why('erp'), 'a command needs the database for itself', '... which is shown');
$session->query_safe('ROLLBACK TO SAVEPOINT a');
$erp = another_worker('erp', $erp, '... and comes back when it is rolled back');

# A session that ends in the middle.
$session->query_safe('ALTER DATABASE erp RENAME TO erp2');
is(worker('erp'), '', 'kept away again');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
sql("SELECT pg_terminate_backend($pid)");
$erp = another_worker('erp', $erp, '... but not by a session that has ended');
$session->{run}->kill_kill;

# Copies, also of the own database of whoever makes them.
foreach my $strategy (qw(wal_log file_copy))
{
	sql("CREATE DATABASE copy_$strategy TEMPLATE erp STRATEGY $strategy");
	$erp = another_worker('erp', $erp, "a database can be copied by $strategy");
}
sql('CREATE DATABASE copy TEMPLATE erp', 'erp');
$erp = another_worker('erp', $erp, '... from itself, too');

my $directory = PostgreSQL::Test::Utils::tempdir();
sql("CREATE TABLESPACE elsewhere LOCATION '$directory'");
sql('ALTER DATABASE erp SET TABLESPACE elsewhere');
$erp = another_worker('erp', $erp, 'a database can be moved');
sql('ALTER DATABASE erp SET TABLESPACE pg_default');
$erp = another_worker('erp', $erp, '... and back');
sql('DROP TABLESPACE elsewhere');

sql('ALTER DATABASE later ALLOW_CONNECTIONS false');
$pid = worker('later');
sql("SELECT pg_terminate_backend($pid)");
ok( $node->poll_query_until('home',
		q{SELECT pid IS NULL AND last_error = 'the database takes no connections'
			FROM order_gateway_workers WHERE database = 'later'}),
	'a database that takes no connections has no worker');
sql('ALTER DATABASE later ALLOW_CONNECTIONS true');
another_worker('later', $pid, '... until it does');
sql('DROP DATABASE later');
no_worker('later', 'a database can be dropped');
is(worker('Bi'), $bi, 'all that time others stayed as they were');

# ----
# DROP EXTENSION
# ----

# A call that was submitted, in a database without a worker, where it stays.
my $ADD = q{INSERT INTO order_gateway_journal_call (installation, call_id, xid, timeline, origin,
		function, function_id, provider, operation, server_id, server, role_id, role, arguments,
		ids, submitted_at, not_before, expires_at)
	SELECT id, nextval('order_gateway_call_id'), pg_current_xact_id(), timeline, 'outbox',
		'batch_cancel', 0, 'xt', 'cancel', 0, 'xt', 10, 'postgres', '{}',
		'{1}', now(), now(), 'infinity'
	FROM order_gateway_installation};
my $END = q{INSERT INTO order_gateway_journal_end (installation, call_id, quarantined, outcomes,
		done_at)
	SELECT installation, call_id, false, '{0,0,0,0,0,1,0}', now()
	FROM order_gateway_journal_call};
my $REFUSED = qr/ERROR:  55006: cannot drop extension "order_gateway" because it has calls that are queued or in flight\nHINT: .*order_gateway_withdraw/;

sub refused
{
	my ($sql, $name) = @_;

	fails_with("\\set VERBOSITY verbose\n$sql", $REFUSED, $name, database => 'sales');
	return;
}

sql('CREATE DATABASE sales');
sql('CREATE ROLE owner_of_it SUPERUSER; CREATE SCHEMA gateway', 'sales');
sql('SET ROLE owner_of_it; CREATE EXTENSION order_gateway SCHEMA gateway', 'sales');
sql('ALTER DATABASE sales SET search_path = gateway, public');
sql($ADD, 'sales');
refused($_, "refused while a call is queued: $_")
  foreach 'DROP EXTENSION order_gateway', 'DROP EXTENSION order_gateway CASCADE',
  'DROP SCHEMA gateway CASCADE', 'DROP OWNED BY owner_of_it CASCADE';
sql($END, 'sales');
sql("BEGIN; $_; ROLLBACK", 'sales') foreach 'DROP SCHEMA gateway CASCADE', 'DROP OWNED BY owner_of_it CASCADE';
pass('allowed when it is done');
refused("BEGIN; $ADD; DROP EXTENSION order_gateway", 'refused after a call of the own transaction');
sql("BEGIN; SAVEPOINT a; DROP EXTENSION order_gateway; ROLLBACK TO SAVEPOINT a; COMMIT", 'sales');
sql("BEGIN; DROP EXTENSION order_gateway; CREATE EXTENSION order_gateway SCHEMA gateway; COMMIT",
	'sales');
pass('dropped and created in one transaction');

# A call that is not committed yet is waited for.
my $submitter = $node->background_psql('sales');
$submitter->query_safe('BEGIN');
$submitter->query_safe($ADD);
my $dropper = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('sales'), '-c', '\set VERBOSITY verbose',
		'-c', 'DROP EXTENSION order_gateway' ],
	'<', \undef, '>', \my $output, '2>', \my $error, IPC::Run::timeout($TIMEOUT));
wait_for(q{SELECT count(*) FROM pg_stat_activity
		WHERE query LIKE 'DROP EXTENSION%' AND wait_event_type = 'Lock'}, 1,
	'who drops the extension waits for a call that is not committed');
$submitter->query_safe('COMMIT');
$dropper->finish;
like($error, $REFUSED, '... and is refused when it is');
$submitter->quit;
sql($END, 'sales');
sql('DROP EXTENSION order_gateway', 'sales');
pass('the extension is dropped in the end');

# The same with a worker, which has calls that it may send tomorrow.
sql('CREATE EXTENSION order_gateway', 'erp');
sql(q{CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw OPTIONS (base_url 'https://127.0.0.1:1')}, 'erp');
sql(q{CREATE USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS (access_key 'a', secret_key 'b')}, 'erp');
my $call = sql(q{SELECT batch_cancel_submit('btc_usdt', '{1}', not_before => now() + '1 day',
		expires_at => 'infinity')}, 'erp');
does('erp', 'order_gateway: 0 in flight, 1 queued', 'a worker tells of a call that is queued');
fails_with("\\set VERBOSITY verbose\nDROP EXTENSION order_gateway CASCADE", $REFUSED,
	'... and the extension is not dropped', database => 'erp');
is(sql("SELECT order_gateway_withdraw($call)", 'erp'), 1, 'it is taken back');
ok( $node->poll_query_until('erp', "SELECT state = 'done' FROM order_gateway_calls WHERE call_id = $call"),
	'... and done');

# ----
# What is set elsewhere does not reach it
# ----

# A worker reads these when it starts; sessions do well without them.
sql("ALTER DATABASE erp SET $_")
  foreach q{role = 'pg_monitor'}, q{session_authorization = 'nobody_special'}, 'default_transaction_read_only = on',
  'default_transaction_deferrable = on', q{default_transaction_isolation = 'serializable'},
  q{session_replication_role = 'replica'}, 'search_path = nowhere', 'row_security = off', 'statement_timeout = 1',
  'lock_timeout = 1', 'idle_in_transaction_session_timeout = 1',
  $node->pg_version < 17 ? () : 'transaction_timeout = 1';
sql("SELECT pg_terminate_backend($erp)");
$erp = another_worker('erp', $erp, 'a worker in a database with settings of all kinds');
sql('ALTER DATABASE erp RESET ALL');

sub submit
{
	my $id = sql(q{SET synchronous_commit = on;
		SELECT batch_cancel_submit('btc_usdt', '{2}', expires_at => clock_timestamp() + '1 s')}, 'erp');

	ok( $node->poll_query_until('erp',
			"SELECT state = 'done' FROM order_gateway_calls WHERE call_id = $id"), 'a call is done');
	return $id;
}

submit();
is(worker('erp'), $erp, '... by that worker');

# With synchronous_commit off, what a worker wrote could be gone after a crash.
# Nothing else is to write it: no pages, no buffers that others need.
sql('ALTER DATABASE erp SET synchronous_commit = off');
set_conf('synchronous_commit', 'off');
set_conf('wal_writer_delay', '10s');
set_conf($_->[0], $_->[1]) foreach [ 'bgwriter_delay', '10s' ], [ 'full_page_writes', 'off' ];
my $lost = 0;
foreach my $round (1 .. 3)
{
	$call = submit();
	my $done = "SELECT done_at FROM order_gateway_calls WHERE call_id = $call";
	my $said = sql($done, 'erp');
	$node->stop('immediate');
	$node->start;
	$lost++ if sql($done, 'erp') ne $said;
}
is($lost, 0, '... flushes them: nothing is lost when the server stops at once');
$erp = another_worker('erp', $erp, 'a new worker');
sql("ALTER SYSTEM RESET $_") foreach qw(synchronous_commit wal_writer_delay bgwriter_delay full_page_writes);
sql('SELECT pg_reload_conf()');
sql('DROP EXTENSION order_gateway CASCADE', 'erp');
sql('ALTER DATABASE erp RESET ALL');

# ----
# Ends
# ----

# Is a process of ours gone?  Not by kill(): it may be waited for by nobody.
sub is_gone
{
	my ($process) = @_;

	open(my $fh, '<', "/proc/$process/stat") or return 1;
	return (<$fh> // '') =~ /\) Z /;
}

sub gone
{
	my ($name, @processes) = @_;
	my $deadline = time + $TIMEOUT;
	my @left = @processes;

	while (@left && time < $deadline)
	{
		@left = grep { !is_gone($_) } @left;
		sleep 0.02 if @left;
	}
	is("@left", '', $name);
	return;
}

sub processes
{
	return split /\n/,
	  sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type ~ '^order_gateway'});
}

kill 'KILL', $erp;
ok($node->poll_query_until('postgres', 'SELECT true'), 'a worker was killed: the cluster starts over');
$erp = another_worker('erp', $erp, '... with a new worker');
my @processes = processes();
$node->stop('fast');
gone('a fast shutdown ends them', @processes);
$node->start;
$erp = another_worker('erp', $erp, 'they are there again');
@processes = processes();
$node->stop('immediate');
gone('an immediate one ends them', @processes);
$node->start;
$erp = another_worker('erp', $erp, 'they are there again');
@processes = processes();
$node->kill9;
gone('so does the death of the postmaster', @processes);

# It may not be buried yet, so that its files stand in the way.
unlink $node->data_dir . '/postmaster.pid';
my $deadline = time + $TIMEOUT;
sleep 0.1 until $node->start(fail_ok => 1) || time > $deadline;
$erp = another_worker('erp', $erp, 'they are there again');

# ----
# A standby
# ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is( $standby->safe_psql('home', 'SELECT count(pid), max(last_error) FROM order_gateway_workers'),
	'0|no worker runs on a standby', 'a standby has none');
is( $standby->safe_psql('postgres',
		q{SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'order_gateway'}),
	0, '... nor a launcher');
$node->stop('immediate');
$standby->promote;
ok( $standby->poll_query_until('home', 'SELECT count(pid) FROM order_gateway_workers', 2),
	'after a promotion they start');
$standby->stop;

# ----
# Many databases, and too few processes
# ----

my @many = map { "many_$_" } 1 .. 20;

$node->append_conf('postgresql.conf', 'order_gateway.databases = \'' . join(', ', @many) . "'");
unlink $node->data_dir . '/postgresql.auto.conf';
$node->start;
my $place = log_end();
sql("CREATE DATABASE $_") foreach @many;
ok( $node->poll_query_until('home',
		q{SELECT count(pid) > 0 AND count(*) FILTER (WHERE pid IS NULL
				AND last_error = 'max_worker_processes are running already') = 20 - count(pid)
			FROM order_gateway_workers}),
	'who gets no process is told so');
sleep 2.5;
my @said = log_since($place) =~ /(order_gateway: there (?:is|are) no workers? for \d+ databases?)/g;
is(scalar @said, 1, '... and the log, once');
like(log_since($place), qr/because max_worker_processes \(8\) are running already.*HINT:  Raise max_worker_processes/s,
	'... with what is to be done');
$node->append_conf('postgresql.conf', 'max_worker_processes = 30');
$node->restart;
ok( $node->poll_query_until('home', 'SELECT count(pid) FROM order_gateway_workers', 20),
	'with enough of them each database has its worker');
@processes = processes();
$node->stop('fast');
gone('they end', @processes);

# ----
# Without preloading
# ----

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
is( sql('SELECT count(pid), max(last_error) FROM order_gateway_workers', 'home'),
	'0|order_gateway is not in shared_preload_libraries', 'without preloading there is none');
$node->stop;

done_testing();
