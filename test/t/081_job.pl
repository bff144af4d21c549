# The job of the documents: its recipes run, word by word, against the sandbox,
# alone and several at once, with somebody calling by hand at the same time,
# with ends in the middle, and at a provider that refuses.

use strict;
use warnings;
use utf8;

use List::Util qw(uniq);
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Erp;

# ----
# A server as the documents set it up
# ----

my $share_dir = `pg_config --sharedir`;
chomp $share_dir;
my $has_cron = -e "$share_dir/extension/pg_cron.control";
my $erp = OrderGateway::Erp->start('job', recipes => $has_cron ? ['cron-conf'] : []);
my ($node, $sandbox, $documents) = ($erp->node, $erp->sandbox, $erp->documents);

# The job is for those who have no worker.
$node->append_conf('postgresql.conf', "order_gateway.databases = ''");
$node->restart;

sub recipe { return $documents->recipe(@_); }
sub sql { return $erp->sql(@_); }
sub sql_error { return $erp->sql_error(@_); }
sub start_sql { return $erp->start_sql(@_); }
sub finish_sql { return $erp->finish_sql(@_); }
sub stale_orders { return $erp->stale_orders(@_); }
sub orders_by_status { return $erp->orders_by_status; }

# What the server's log says of a lost batch, as the documents show it, up to
# the ids, and the counts in an error's context.
my $log_chapter = $documents->chapter('docs/troubleshooting.md', '## What the server\'s log says');
my ($LOST) = $log_chapter =~ /^LOG:  (.*batch )1: /m;
my ($CONTEXT) =
  $documents->chapter('docs/troubleshooting.md', '## When a call is stopped') =~ /^(CONTEXT: .*)/m;

# Run something whose call gets no answer, and cancel it when its requests have
# been sent.
my $held = 0;

sub cancel_in_call
{
	my ($sql, $requests, %fault) = @_;

	$sandbox->arm('black_hole', times => 0, %fault);
	my $process = start_sql($sql);
	ok($sandbox->wait_for(fault => 'black_hole', count => $held += $requests),
		'a call gets no answer');
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND state = 'active'});
	like(finish_sql($process), qr/canceling statement due to user request/, '... and is cancelled');
	$sandbox->disarm;
}

# Orders at XT, here and there, and of nothing else.
sub only_orders
{
	my ($first, $n) = @_;

	$sandbox->reset;
	$held = 0;
	sql('TRUNCATE orders, cancel_log, settle_log, cancel_brake');
	stale_orders($first, $n) if $n;
}

sub requests { return scalar @{ $sandbox->requests(provider => 'xt') }; }

# No order was cancelled, or even looked at, more than once.
sub each_sent_once
{
	my ($name) = @_;
	my @seen = map { @{ $_->{ids} } } @{ $sandbox->requests(provider => 'xt') };

	is(scalar(@seen), scalar(uniq @seen), "$name: no order was sent twice");
}

$sandbox->install($node, database => 'erp', providers => ['xt'], extension => 1);
$erp->run_recipes(qw(orders job-orders log-table call-outcome last-outcome
	job-timeout job-brake job-settle job-cancel job-stale settle-job));

# ----
# By hand
# ----

only_orders(1001, 20);
$sandbox->fill('xt', 1007);
sql(q{UPDATE orders SET placed_at = now() - interval '2 days' WHERE id <> '1020'});
sql(recipe('by-hand'));
is(sql(q{SELECT count(*), count(DISTINCT call_id) FROM cancel_log}), '19|1',
	'by hand: 19 rows in the log, of one call');
is(sql(recipe('last-outcome-use')) =~ s/\|[^|]*$//gmr,
	"xt|cancelled|18\nxt|not_cancellable|1", 'joined with the orders');
is(orders_by_status(), 'cancelled 18, closed 1, open 1', '... which know it');
sql(recipe('by-hand'));
is(requests(), 1, 'once more by hand: nothing is left to be sent');
sql('CALL cancel_stale_orders()');
is(orders_by_status(), 'cancelled 19, closed 1', 'the job takes what is left');
each_sent_once('by hand, and a job');

# In a transaction block there is an error, and nothing is sent.
only_orders(1101, 3);
sql(q{UPDATE orders SET placed_at = now() - interval '2 days'});
like(sql_error('BEGIN; ' . recipe('by-hand') . ' COMMIT'),
	qr/ERROR:  invalid transaction termination/, 'in a transaction block');
is(orders_by_status(), 'open 3', '... nothing is claimed');
is(requests(), 0, '... nor sent');

# ----
# The last outcome
# ----

# Each line: what calls brought one after the other, and what remains. In
# brackets the legs of one order, after a slash what settling found.
only_orders();
foreach my $case (
	'cancelled not_found = cancelled',
	'cancelled unknown = cancelled',
	'cancelled rejected not_sent = cancelled',
	'cancelled not_cancellable = cancelled',
	'not_cancellable not_found = not_cancellable',
	'not_cancellable rejected = not_cancellable',
	'not_cancellable cancelled = cancelled',
	'not_cancellable unknown = unknown',
	'not_cancellable unknown not_found = unknown',
	'unknown not_found = not_found',
	'unknown rejected = unknown',
	'unknown not_sent = unknown',
	'unknown cancelled = cancelled',
	'unknown/cancelled not_found = cancelled',
	'unknown/rejected not_sent = not_sent',
	'unknown/unknown = unknown',
	'unknown/unknown/not_cancellable = not_cancellable',
	'not_found not_sent = not_found',
	'not_found unknown = unknown',
	'rejected not_sent = not_sent',
	'not_sent rejected = rejected',
	'not_sent cancelled not_found not_found = cancelled',
	'cancelled,unknown = unknown',
	'cancelled,cancelled not_found,not_found = cancelled',
	'cancelled,not_found not_found = not_found',
	'cancelled,unknown not_found = not_found')
{
	my ($calls, $last) = $case =~ /^(.*) = (\w+)$/;
	my $call = 0;

	foreach my $said (split / /, $calls)
	{
		my ($legs, @settled) = split m{/}, $said;

		$call++;
		sql(qq{INSERT INTO cancel_log (call_id, logged_at, server, order_id, outcome)
			VALUES ($call, now(), 'xt', '$case', '$_')}) foreach split /,/, $legs;
		sql(qq{INSERT INTO settle_log (call_id, logged_at, server, order_id, outcome, order_state)
			VALUES ($call, now(), 'xt', '$case', '$_', 'unknown')}) foreach @settled;
	}
	is(sql(qq{SELECT outcome FROM last_outcome WHERE order_id = '$case'}), $last,
		"the last outcome: $case");
}

# An id at one provider says nothing about the same id at another.
sql(q{INSERT INTO cancel_log (call_id, logged_at, server, order_id, outcome)
	VALUES (1, now(), 'xt', 'same', 'cancelled'), (2, now(), 'btse', 'same', 'not_found')});
is(sql(q{SELECT server, outcome FROM last_outcome WHERE order_id = 'same' ORDER BY server}),
	"btse|not_found\nxt|cancelled", 'the last outcome: one for each server');

# Somebody sends what is cancelled once more: no news.
only_orders(1201, 4);
$sandbox->fill('xt', 1204);
sql('CALL cancel_stale_orders()');
sql(q{INSERT INTO cancel_log SELECT nextval('cancel_call'), now(), 'xt', c.*
	FROM batch_cancel('btc_usdt', ARRAY['1201', '1202', '1203', '1204']) AS c});
is(sql(q{SELECT outcome, count(*) FROM cancel_log GROUP BY 1 ORDER BY 1}),
	"cancelled|3\nnot_found|3\nnot_cancellable|2", 'sent twice');
is(sql(q{SELECT outcome, count(*) FROM last_outcome GROUP BY 1 ORDER BY 1}),
	"cancelled|3\nnot_cancellable|1", '... but the last outcome is not worse for it');

# ----
# Several at once
# ----

# While the first waits for an answer, the second claims others, and waits for
# its own, or first for the account.
only_orders(2001, 300);
$sandbox->arm('delay', provider => 'xt', ms => 3000, times => 2);
{
	my $first = start_sql('CALL cancel_stale_orders(100)');
	ok($sandbox->wait_for(fault => 'delay'), 'a job waits for its answer');
	my $second = start_sql('CALL cancel_stale_orders(100)');

	ok($node->poll_query_until('erp', q{
		SELECT count(*) = 200 AND count(DISTINCT call_id) = 2
		FROM orders WHERE status = 'cancelling'}),
		'... and another one has claimed other orders');
	is(finish_sql($first), '', 'the first ends well');
	is(finish_sql($second), '', 'and the second');
	is(orders_by_status(), 'cancelled 300', 'everything is cancelled');
	is(sql('SELECT count(*), count(DISTINCT order_id) FROM cancel_log'),
		'300|300', '... and logged once');
	each_sent_once('two jobs');
}

# Many short steps of three jobs at once, and two people by hand.
only_orders(3001, 400);
sql(q{UPDATE orders SET placed_at = now() - interval '2 days' WHERE id::int % 2 = 0});
{
	my @jobs = (
		(map { start_sql('CALL cancel_stale_orders(10, 1000)') } 1 .. 3),
		(map { start_sql(recipe('by-hand')) } 1 .. 2));

	is(finish_sql($_), '', 'one of five ends well') foreach @jobs;
	sql('CALL settle_orders()');
	is(orders_by_status(), 'cancelled 400', 'three jobs and two by hand: all is cancelled');
	each_sent_once('three jobs and two by hand');
}

# By hand, while a job waits for the answer about the same orders.
only_orders(3501, 20);
sql(q{UPDATE orders SET placed_at = now() - interval '2 days'});
$sandbox->arm('delay', provider => 'xt', ms => 2000);
{
	my $job = start_sql('CALL cancel_stale_orders()');
	ok($sandbox->wait_for(fault => 'delay'), 'a job waits for its answer');
	sql(recipe('by-hand'));
	is(orders_by_status(), 'cancelling 20', '... and by hand its orders are left alone');
	is(finish_sql($job), '', '... the job ends well');
	is(orders_by_status(), 'cancelled 20', '... and has them all');
	each_sent_once('by hand, during a job');
}

# ----
# Each outcome, and where it leads
# ----

only_orders(4001, 7);
$sandbox->fill('xt', 4002);
$sandbox->set_status('xt', 4003, 'cancelled');
$sandbox->set_status('xt', 4004, 'failing');
sql('CALL cancel_stale_orders(6)');
is(sql(q{SELECT id, status FROM orders WHERE id <> '4007' ORDER BY id}),
	"4001|cancelled\n4002|closed\n4003|gone\n4004|check\n4005|cancelled\n4006|cancelled",
	'each outcome leads where it should');
is(sql('SELECT count(*) FROM cancel_brake'), 0, 'one unknown of six is no reason to stop');
stale_orders(4008, 1);
$sandbox->arm('close_after', provider => 'xt', match_id => 4008);
like(sql_error('CALL cancel_stale_orders()'), qr/ERROR:  1 of 1 orders failed in call \d+/,
	'one of one is');
is(sql(recipe('job-check')) =~ s/^(\d+)\|\d+\|[^|]*\|(\w+)\|.*$/$1 $2/gmr,
	"4004 unknown\n4008 unknown", 'the unknown ones are shown for checking');
each_sent_once('unknown');

# An error that the call would raise is raised before the claim is committed.
only_orders(6001, 3);
sql(q{INSERT INTO orders SELECT 'oops', provider, market, placed_at FROM orders LIMIT 1});
like(sql_error('CALL cancel_stale_orders()'),
	qr/id "oops" at position \d+ of "ids" is not 1 to 19 digits/, 'a bad id');
is(orders_by_status(), 'to cancel 4', 'no claim is left behind');

# ----
# The brake
# ----

# Nobody there: nothing is sent, and the next run tries again.
only_orders(5001, 30);
my $old_url = $sandbox->base_url('xt');
my $dead_url = $old_url =~ s/:\d+/:1/r;
sql(qq{ALTER SERVER xt OPTIONS (SET base_url '$dead_url', ADD retries '0')});
like(sql_error('CALL cancel_stale_orders(10)'),
	qr/ERROR:  10 of 10 orders failed in call \d+\nDETAIL:  Mostly not_sent, could not connect to .*\nHINT:  order_gateway_check\('xt'\) tells what is wrong on the way to the provider\.\n/,
	'not sent: the job stops, with words');
is(orders_by_status(), 'to cancel 30', '... its orders may go again');
is(sql(q{SELECT outcome, count(*), bool_and(sent_at IS NULL) FROM cancel_log GROUP BY 1}),
	'not_sent|10|t', '... after one step');
is(sql('SELECT count(*) FROM cancel_brake'), 0, '... and the next run may try');
sql(qq{ALTER SERVER xt OPTIONS (SET base_url '$old_url', DROP retries)});
sql('CALL cancel_stale_orders(10)');
is(orders_by_status(), 'cancelled 30', 'later they go');

# Locked out: what is refused stays within one step.
only_orders(5101, 200);
my $lock = $sandbox->arm('envelope', provider => 'xt', code => 404, times => 0,
	message => 'account is locked, try again later');
my $error = sql_error('CALL cancel_stale_orders(50)');
{
	my @shown = $documents->chapter('docs/job.md', '## When the job stops') =~ /^((?:ERROR|DETAIL|HINT):.*)$/mg;

	is(scalar(@shown), 3, 'the documents show an error');
	foreach my $line (@shown)
	{
		my $pattern = quotemeta($line) =~ s/\d+/\\d+/gr;
		like($error, qr/$pattern/, "... as it is: $line");
	}
}
is(orders_by_status(), 'check 50, to cancel 150', 'locked out: one step was refused');
is(requests(), 1, '... with one request');
$error = sql_error('CALL cancel_stale_orders(50)');
like($error,
	qr/ERROR:  cancelling stands still until .*\nDETAIL:  call \d+: rejected, 404, account is locked.*\nHINT:  Repair the cause\. DELETE FROM cancel_brake starts it at once\./,
	'the next run stands still, and says so');
like(sql_error('CALL cancel_marked_orders()'), qr/stands still/, '... by hand as well');
is(requests(), 1, '... and sends nothing');

# Ten minutes later it feels its way, first in vain.
sql(q{UPDATE cancel_brake SET until = now() - interval '1 s'});
like(sql_error('CALL cancel_stale_orders(50)'), qr/ERROR:  10 of 10 orders failed/,
	'when the brake is over it tries ten orders');
is(orders_by_status(), 'check 60, to cancel 140', '... not more');
is(sql('SELECT until > now() FROM cancel_brake'), 't', '... and stands still again');
$sandbox->disarm($lock);
sql(q{UPDATE cancel_brake SET until = now() - interval '1 s'});
sql('CALL cancel_stale_orders(50)');
is(orders_by_status(), 'cancelled 140, check 60', 'unlocked: it goes on');
is(sql(q{SELECT string_agg(n::text, ' ' ORDER BY call_id) FROM
	(SELECT call_id, count(*) AS n FROM cancel_log WHERE outcome = 'cancelled' GROUP BY 1) AS c}),
	'10 50 50 30', '... feeling its way, then at full speed');
is(sql('SELECT count(*) FROM cancel_brake'), 0, '... the brake is off');
sql(recipe('job-again'));
is(orders_by_status(), 'cancelled 140, to cancel 60', 'what was refused goes again');
sql('CALL cancel_marked_orders()');
is(orders_by_status(), 'cancelled 200', '... and all is cancelled');
is(sql(q{SELECT outcome, count(*) FROM last_outcome GROUP BY 1}), 'cancelled|200',
	'... as the last outcome says');

# The words of DELETE FROM cancel_brake are true.
only_orders(5401, 20);
$sandbox->arm('close_after', provider => 'xt');
like(sql_error('CALL cancel_stale_orders(10)'), qr/10 of 10 orders failed.*\nDETAIL:  Mostly unknown, /,
	'no answer: the job stops');
like(sql_error('CALL cancel_stale_orders(10)'), qr/stands still/, '... and stands still');
sql('DELETE FROM cancel_brake');
sql('CALL cancel_stale_orders(10)');
is(orders_by_status(), 'cancelled 10, check 10', '... until it is let go');

# What is unknown is not sent again with what was refused.
sql(recipe('job-again'));
is(orders_by_status(), 'cancelled 10, check 10', 'unknown is not refused');

# ----
# Ends in the middle
# ----

# The job dies during its call.
only_orders(7001, 5);
$sandbox->arm('black_hole', provider => 'xt');
{
	my $log_start = $erp->log_end;
	my $job = start_sql('CALL cancel_stale_orders()');

	ok($sandbox->wait_for(fault => 'black_hole'), 'a call gets no answer');
	sql(q{
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query LIKE 'CALL cancel_stale%'});
	eval { finish_sql($job) };
	$node->wait_for_log(
		qr/LOG:  \Q$LOST\E1: 5 unknown \(700\d(, 700\d){4}\)/,
		$log_start);
	pass('the server log has the ids');
	my $counts = $CONTEXT =~ s/\d+/\\d+/gr =~ s/([()])/\\$1/gr;
	like($erp->log_since($log_start), qr/$counts/, '... and the counts');
	is(orders_by_status(), 'cancelling 5', 'the claim is the visible trace');
	is(sql('SELECT count(*) FROM cancel_log'), '0', '... there are no rows');
	$sandbox->disarm;
	sql('CALL cancel_stale_orders()');
	is(orders_by_status(), 'cancelling 5', 'the next job leaves them alone');
	sql(q{UPDATE orders SET claimed_at = claimed_at - interval '2 hours'});
	sql('CALL cancel_stale_orders()');
	is(orders_by_status(), 'check 5', '... and after an hour sets them aside');
	is(scalar(split /\n/, sql(recipe('job-check'))), 5, '... to be checked');
	each_sent_once('a job that died');
}

# It died between the log and the settling: the next one catches up.
sql(q{UPDATE orders SET status = 'cancelling', claimed_at = now()});
sql(q{INSERT INTO cancel_log (call_id, logged_at, server, order_id, outcome)
	SELECT call_id, now(), 'xt', id, 'cancelled' FROM orders});
sql('CALL cancel_stale_orders()');
is(orders_by_status(), 'cancelled 5', 'what is in the log is taken over');

# If calls never come to their end, the third stops the job.
only_orders(7101, 50);
foreach my $carried_out (1, 0, 0)
{
	cancel_in_call('CALL cancel_stale_orders(10)', 1, process => $carried_out);
	sql(q{UPDATE orders SET claimed_at = claimed_at - interval '6 min' WHERE status = 'cancelling'});
}
like(sql_error('CALL cancel_stale_orders(10)'),
	qr/ERROR:  3 calls ended without writing what became of their orders\nHINT:  Look into the server's log/,
	'after three the job stops');
is(orders_by_status(), 'cancelling 30, to cancel 20', '... and claims nothing');
sql(q{UPDATE orders SET claimed_at = claimed_at - interval '1 hour' WHERE status = 'cancelling'});
sql('CALL cancel_stale_orders(10)');
is(orders_by_status(), 'cancelled 20, check 30', '... until the claims are set aside');

# ----
# Settling unknown outcomes
# ----

# Those that left no row are asked about as well.
sql('CALL settle_unknown_orders()');
is(orders_by_status(), 'cancelled 30, to cancel 20', 'calls without rows are settled');
is(sql(q{SELECT outcome, count(*) FROM last_outcome GROUP BY 1 ORDER BY 1}),
	"cancelled|30\nrejected|20", '... and so is their last outcome');
sql('CALL cancel_marked_orders()');
is(orders_by_status(), 'cancelled 50', '... and they go again');

only_orders(9501, 4);
# two whose cancel had no answer and was carried out, two where it was not
foreach my $ids ([ 9501, 9502 ], [ 9503, 9504 ])
{
	my $list = join ', ', map { "'$_'" } @$ids;
	my $call = 1000000 + $ids->[0];

	$sandbox->arm('close_after', provider => 'xt',
		process => $ids->[0] == 9501 ? JSON::PP::true() : JSON::PP::false());
	sql("INSERT INTO cancel_log SELECT $call, now(), 'xt', c.order_id, c.outcome, c.code,"
		  . ' c.message, c.ordinal, c.batch, c.attempts, c.http_status,'
		  . " c.sent_at - interval '2 min', c.answered_at, c.response"
		  . " FROM batch_cancel('btc_usdt', ARRAY[$list]) AS c");
	sql("UPDATE orders SET status = 'check', call_id = $call, claimed_at = now() - interval '2 min'"
		  . " WHERE id IN ($list)");
}
# and one that the provider does not know
sql(q{INSERT INTO orders VALUES ('9599', 'xt', 'btc_usdt', now(), 'check', 1009599, now() - interval '2 hours')});
sql(q{INSERT INTO cancel_log (call_id, logged_at, server, order_id, outcome, sent_at)
	VALUES (1009599, now(), 'xt', '9599', 'unknown', now() - interval '2 hours')});
sql('CALL settle_unknown_orders()');
is(sql(q{SELECT string_agg(id || ' ' || status, ', ' ORDER BY id) FROM orders}),
	'9501 cancelled, 9502 cancelled, 9503 to cancel, 9504 to cancel, 9599 check',
	'a job settles unknown outcomes');
is(sql(q{SELECT string_agg(outcome || ' ' || order_state, ', ' ORDER BY order_id) FROM settle_log}),
	'cancelled cancelled, cancelled cancelled, rejected open, rejected open, unknown gone',
	'... and keeps what it was told');
is(sql(q{SELECT string_agg(order_id || ' ' || outcome, ', ' ORDER BY order_id) FROM last_outcome}),
	'9501 cancelled, 9502 cancelled, 9503 rejected, 9504 rejected, 9599 unknown',
	'... which are the last outcomes then');

# What stays unknown is asked about ever less often.
my $asked = requests();
sql('CALL settle_unknown_orders()');
is(requests(), $asked, 'what stays unknown is not asked about at once');
sql(q{UPDATE settle_log SET logged_at = logged_at - interval '61 minutes' WHERE order_id = '9599'});
sql('CALL settle_unknown_orders()');
is(requests(), $asked + 1, '... but again after twice the time');
sql('CALL settle_unknown_orders()');
is(requests(), $asked + 1, '... and not sooner');

# ----
# New orders at BTSE: the statements of "Trading on BTSE from SQL"
# ----

$sandbox->reset;
$sandbox->install($node, database => 'erp', providers => ['btse'], retries => 0);
sql(recipe('trade-tables'));

sub my_orders
{
	return sql(q{SELECT string_agg(state || ' ' || n, ', ' ORDER BY state)
		FROM (SELECT state, count(*) AS n FROM my_order GROUP BY 1) AS s});
}

$erp->run_recipes(qw(trade-claim trade-send trade-take));
is(my_orders(), 'open 3', 'new orders are claimed, sent and taken over');

# The first call sends nothing, the second is lost: it is not the word of the
# first that counts.
sql(q{UPDATE my_order SET state = 'new', client_order_id = gen_random_uuid()::text});
my $btse_url = $sandbox->base_url('btse');
sql(q{ALTER SERVER btse OPTIONS (SET base_url '} . ($btse_url =~ s/:\d+/:1/r) . q{')});
$erp->run_recipes(qw(trade-claim trade-send trade-take));
is(my_orders(), 'new 3', 'not sent: they are new again');
sql(qq{ALTER SERVER btse OPTIONS (SET base_url '$btse_url')});
sql(recipe('trade-claim'));
$held = 0;
cancel_in_call(recipe('trade-send'), 3);
sql(recipe('trade-take'));
is(my_orders(), 'sending 3', '... which is not what the call before says');
$erp->run_recipes(qw(trade-claim trade-send trade-take));
is(my_orders(), 'check 3', '... and they are to be checked, not sent again');
is(scalar(grep { $_->{method} eq 'POST' } @{ $sandbox->requests(provider => 'btse') }), 6,
	'... three orders were sent twice in all, by two names');
is(sql(q{SELECT string_agg(DISTINCT order_state || ' ' || outcome, ', ') || ' ' || count(*) FROM (}
		. recipe('trade-settle') =~ s/;\s*\z//r . ') AS s'),
	'open accepted 3', '... and settled by them: BTSE has them');

# ----
# By pg_cron
# ----

SKIP:
{
	skip 'pg_cron is not here', 7 unless $has_cron;

	# The second step meets a lock, so one run shows both.
	only_orders(90001, 600);
	$sandbox->arm('envelope', provider => 'xt', code => 404, skip => 5, times => 0,
		message => 'account is locked, try again later');
	# pg_cron works for whole minutes
	sql(recipe('cron-job'));
	sql(recipe('cron-settle'));
	ok($node->poll_query_until('erp', q{
		SELECT count(DISTINCT job.jobname) = 2
		FROM cron.job_run_details AS run JOIN cron.job USING (jobid)
		WHERE run.status IN ('succeeded', 'failed')}),
		'pg_cron runs both jobs') or diag(sql(recipe('cron-runs')));
	is(orders_by_status(), 'cancelled 500, check 100', 'the first step worked, the second did not');
	like(sql(recipe('cron-runs')),
		qr/\|failed\|ERROR: +100 of 100 orders failed in call \d+/, '... and the run says so');
	like(sql(recipe('cron-runs')), qr/\|succeeded\|/, 'there was nothing to settle');
	each_sent_once('pg_cron');
	is(sql(recipe('uninstall-jobs')), "t\nt", 'both are taken off the schedule again');
	is(sql('SELECT count(*) FROM cron.job'), 0, '... and no job is left');
}

# ----
# Uninstalling
# ----

my $outcomes = q{SELECT outcome, count(*) FROM cancel_log GROUP BY outcome ORDER BY outcome::text};
my $logged = sql($outcomes);

sql(recipe('uninstall-journal'));
is(sql('SELECT count(*) FROM old_journal'), 0, 'the journal is kept, if there is any');
sql(recipe('uninstall-log'));
is(sql($outcomes), $logged, 'the log stays, as text');
sql(recipe('uninstall-servers'));
is(sql('SELECT count(*) FROM pg_foreign_server') . sql('SELECT count(*) FROM pg_user_mapping'),
	'00', 'no server and no mapping is left');
like(sql_error(recipe('uninstall-extension')),
	qr/cannot drop extension order_gateway because other objects depend on it\nDETAIL:  column outcome of table my_order_log/,
	'what still depends on the extension is named');
sql('ALTER TABLE my_order_log ALTER COLUMN outcome TYPE text');
sql(recipe('uninstall-extension'));
is(sql($outcomes), $logged, 'the log is still there');
is(sql(q{SELECT count(*) FROM pg_extension WHERE extname = 'order_gateway'}), 0, 'the extension is not');
if ($has_cron)
{
	# the library is taken out of the list before it may go
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'pg_cron'");
	$node->restart;
	is(sql($outcomes), $logged, '... nor the library');
}

$erp->stop($has_cron ? () : qw(cron-conf cron-job cron-settle cron-runs uninstall-jobs));
done_testing();
