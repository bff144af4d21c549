# The README is true: its recipes run, word by word, and its tables say what
# the code does.
#
# A block of code in README.md that follows a line "<!-- recipe: NAME -->" is
# run here as it stands, in a database "erp"; what the reader is expected to
# fill in (keys, addresses) is set beside it. Every other block of SQL must
# at least be parsed by the server. Tables that list codes, options and error
# texts are compared with the sandbox's answers, the hints of validators and
# the sources.

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8 encode_utf8);
use File::Basename qw(dirname);
use IPC::Run ();
use List::Util qw(uniq);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Sandbox;

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';
my $README = decode_utf8(slurp_file("$TOP/README.md"));

# Made up for this test, so that they can be looked for in every corner.
my %KEYS = (
	access_key => 'recipe-access-key-4711',
	secret_key => q{recipe-secret'key\\4711});

# ----
# The README in pieces
# ----

# All blocks of code, each with the language and, if it has one, the name.
sub blocks
{
	my (@blocks, $name, $block);

	foreach my $line (split /\n/, $README)
	{
		if ($block)
		{
			if ($line =~ /^\s*```$/)
			{
				push @blocks, $block;
				undef $block;
				next;
			}
			$line =~ s/^$block->{indent}//;
			$block->{text} .= "$line\n";
		}
		elsif ($line =~ /^\s*<!-- recipe: (\S+) -->$/)
		{
			$name = $1;
		}
		elsif ($line =~ /^(\s*)```(\w*)$/)
		{
			$block = { indent => $1, language => $2, name => $name,
				text => '' };
			undef $name;
		}
		elsif ($name)
		{
			die "README: no block of code after recipe \"$name\"";
		}
	}
	return @blocks;
}

# The text of a chapter, from its heading to the next of the same level.
sub chapter
{
	my ($heading) = @_;
	my ($level) = $heading =~ /^(#+)/;

	$README =~ /^\Q$heading\E\n(.*?)(?=^#{1,${\length $level}} |\z)/ms
	  or die "README: no chapter \"$heading\"";
	return $1;
}

# The rows of all tables in some text: arrays of cells, without the heads.
sub table_rows
{
	my ($text) = @_;
	my (@rows, $in_body);

	foreach my $line (split /\n/, $text)
	{
		$in_body = $line =~ /^\|[-|]+\|$/ ? 1 : $line =~ /^\|/ ? $in_body : 0;
		next if !$in_body || $line =~ /^\|[-|]+\|$/;
		my @cells = split /\|/, $line;
		shift @cells;
		s/^\s+|\s+$//g foreach @cells;
		push @rows, \@cells;
	}
	return @rows;
}

# What stands in backquotes.
sub quoted
{
	my ($text) = @_;

	return $text =~ /`([^`]+)`/g;
}

# What the server's log says of a lost batch, as the README shows it, up to
# the ids.
my ($LOST) = chapter('### What the server\'s log says') =~ /^LOG:  (.*batch )1: /m;
my ($CONTEXT) = chapter('### What the server\'s log says') =~ /^(CONTEXT: .*)/m;

my @blocks = blocks();
my %recipe = map { $_->{name} => $_->{text} } grep { $_->{name} } @blocks;
my %was_run;

sub recipe
{
	my ($name) = @_;

	$was_run{$name} = 1;
	return $recipe{$name} // die "README: no recipe \"$name\"";
}

is(scalar(keys %recipe), scalar(grep { $_->{name} } @blocks),
	'names of recipes are not used twice');

# ----
# A server as it might be in production, one that logs everything
# ----

my $node = PostgreSQL::Test::Cluster->new('recipes');
$node->init;
my $share_dir = `pg_config --sharedir`;
chomp $share_dir;
my $has_cron = -e "$share_dir/extension/pg_cron.control";
my @preload = ('pg_stat_statements', $has_cron ? 'pg_cron' : (),
	$ENV{OG_PRELOAD} ? 'order_gateway' : ());

$node->append_conf('postgresql.conf', recipe('cron-conf')) if $has_cron;
$node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = '@{[ join ', ', @preload ]}'
log_statement = all
log_min_duration_statement = 0
log_transaction_sample_rate = 1
log_min_error_statement = debug5
END
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE erp');

my $sandbox = OrderGateway::Sandbox->start(
	log => "${PostgreSQL::Test::Utils::tmp_check}/log/080_recipes_sandbox.log");

sub sql { return $node->safe_psql('erp', $_[0]); }

# For statements with bytes beyond ASCII.
sub sql_utf8
{
	my $text = $_[0];

	utf8::encode($text);
	return decode_utf8(sql($text));
}

# Run something that must fail, as some role; returns the error.
sub sql_error
{
	my ($sql, %options) = @_;
	my ($exit, undef, $stderr) = $node->psql('erp', $sql, %options);

	isnt($exit, 0, "fails: $sql");
	return $stderr;
}

# Run something in a process of its own.
sub start_sql
{
	my ($sql) = @_;
	my $process = { output => '' };

	$process->{run} = IPC::Run::start(
		[ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('erp'),
			'-c', $sql ],
		'<', \undef, '>', \$process->{output}, '2>', \$process->{error},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return $process;
}

sub finish_sql
{
	my ($process) = @_;

	IPC::Run::finish($process->{run});
	return $process->{error} // '';
}

# Point a server at the sandbox.
sub use_sandbox
{
	my ($provider, %options) = @_;
	my %all = (
		base_url => $sandbox->base_url($provider),
		sslrootcert => $sandbox->ca,
		%options);

	sql("ALTER SERVER $provider OPTIONS ("
		  . join(', ', map { "ADD $_ '$all{$_}'" } sort keys %all) . ')');
}

sub orders_by_status
{
	return sql(q{
		SELECT string_agg(status || ' ' || n, ', ' ORDER BY status)
		FROM (SELECT status, count(*) AS n FROM orders GROUP BY 1) AS s});
}

# Stale orders at XT, here and there.
sub stale_orders
{
	my ($first, $n, %more) = @_;

	$sandbox->seed('xt', market => 'btc_usdt', range => [ $first, $n ], %more);
	sql(qq{
		INSERT INTO orders (id, provider, market, placed_at)
		SELECT i::text, 'xt', 'btc_usdt', now() - interval '2 hours'
		FROM generate_series($first, $first + $n - 1) AS i});
}

# No order was cancelled, or even looked at, more than once.
sub each_sent_once
{
	my ($name) = @_;
	my @seen = map { @{ $_->{ids} } } @{ $sandbox->requests(provider => 'xt') };

	is(scalar(@seen), scalar(uniq @seen), "$name: no order was sent twice");
}

# ----
# Getting started: four statements to the first cancel
# ----

{
	my $ids = '156293034776986';
	my @statements = split /(?<=;)\n/, recipe('first-cancel');

	is(scalar(@statements), 4, 'there are four statements');
	sql($_) foreach @statements[ 0 .. 2 ];
	# The reader has real keys, and the real address is the default.
	use_sandbox('xt');
	my %real = %{ $sandbox->credentials('xt') };
	sql('ALTER USER MAPPING FOR CURRENT_USER SERVER xt OPTIONS ('
		  . join(', ', map { "SET $_ '$real{$_}'" } sort keys %real) . ')');
	$sandbox->seed('xt', market => 'btc_usdt', ids => [$ids]);

	my $preview = sql(recipe('first-preview'));
	like($preview, qr/^1\|2\|POST\|https:.*batchCancel\|accesskey=/,
		'the preview shows the request');
	is(scalar(@{ $sandbox->requests }), 0, '... and sends nothing');
	unlike($preview, qr/\Q$real{secret_key}\E/, '... and shows no secret');

	my @rows = split /\n/, sql($statements[3]);
	like($rows[0], qr/^156293034776986\|cancelled\|/, 'the first cancel');
	like($rows[1], qr/^156293034776987\|not_found\|/, '... and its neighbour');
	is_deeply($sandbox->executed('xt'), [$ids], '... is the truth');
}

# ----
# Where to call it from: what the chapter warns of
# ----

{
	$sandbox->reset;
	is(sql(q{SELECT * FROM batch_cancel('btc_usdt', NULL)}), '', 'NULL: no rows');
	is(sql(q{SELECT * FROM batch_cancel('btc_usdt', '{}')}), '', '{}: no rows');
	is(scalar(@{ $sandbox->requests }), 0, '... and no request');

	$sandbox->seed('xt', market => 'btc_usdt', ids => [ 1 .. 6 ]);
	sql(q{SELECT * FROM batch_cancel('btc_usdt', ARRAY[1, 2, 3]) LIMIT 1});
	is(scalar(@{ $sandbox->executed('xt') }), 3, 'LIMIT does not shorten');
	sql(q{EXPLAIN SELECT * FROM batch_cancel('btc_usdt', ARRAY[4])});
	is(scalar(@{ $sandbox->executed('xt') }), 3, 'EXPLAIN does not send');
	sql(q{EXPLAIN ANALYZE SELECT * FROM batch_cancel('btc_usdt', ARRAY[4])});
	is(scalar(@{ $sandbox->executed('xt') }), 4, 'EXPLAIN ANALYZE sends');
	like(sql_error(q{SELECT (batch_cancel('btc_usdt', ARRAY[5])).*}),
		qr/cannot be called in a target list/, '(f(x)).* is refused');
	like(sql_error(q{SELECT * FROM batch_cancel(ids => ARRAY['5'], market => 'm')}),
		qr/argument declared anyarray is not an array but type text/,
		'named arguments out of order');

	my $log_start = -s $node->logfile;
	sql(q{BEGIN; SELECT FROM batch_cancel('btc_usdt', ARRAY[5]); ROLLBACK});
	is($sandbox->truth('xt')->{5}, 'cancelled', 'ROLLBACK cancels nothing back');
	like(slurp_file($node->logfile, $log_start),
		qr/LOG:  \Q$LOST\E1: 1 cancelled \(5\)/, '... and the log tells');
	sql_error(q{SELECT 1 / (ordinal - 1) FROM batch_cancel('btc_usdt', ARRAY[6])});
	like(slurp_file($node->logfile, $log_start),
		qr/LOG:  \Q$LOST\E1: 1 cancelled \(6\)/,
		'... as of a statement that fails');
}

# ----
# The log, by hand
# ----

$sandbox->reset;
sql(recipe('orders'));
sql(recipe('log-table'));
sql(recipe('last-outcome'));
stale_orders(1001, 20);
$sandbox->fill('xt', 1007);
sql(q{UPDATE orders SET placed_at = now() - interval '2 days'});
sql(recipe('log-call'));
is(sql(q{SELECT count(*), count(DISTINCT call_id) FROM cancel_log}), '20|1',
	'20 rows in the log, of one call');
is(sql(recipe('last-outcome-use')) =~ s/\|[^|]*$//gmr,
	"xt|cancelled|19\nxt|not_cancellable|1", 'joined with the orders');
sql(recipe('log-call'));
is(sql(q{SELECT outcome, count(*) FROM last_outcome GROUP BY 1 ORDER BY 1}),
	"not_found|19\nnot_cancellable|1", 'the last outcome is that of the last call');
sql('TRUNCATE orders, cancel_log');

# ----
# The job
# ----

$sandbox->reset;
sql(recipe($_)) foreach qw(job-timeout job-settle job-cancel);

# pg_cron works for whole minutes, so its job waits while we go on; until the
# end no order is due but those that we let run.
SKIP:
{
	skip 'pg_cron is not here', 3 unless $has_cron;

	stale_orders(90001, 250);
	sql(recipe('cron-job'));
	$node->poll_query_until('erp',
		q{SELECT count(*) = 250 FROM orders WHERE status = 'cancelled'})
	  or diag(sql(recipe('cron-runs')));
	is(orders_by_status(), 'cancelled 250', 'pg_cron: the job has run');
	$node->poll_query_until('erp',
		q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'});
	like(sql(recipe('cron-runs')), qr/\|succeeded\|/, '... and says so');
	each_sent_once('pg_cron');
	sql(q{SELECT cron.unschedule('cancel stale orders')});
	sql('TRUNCATE orders, cancel_log');
}

# Two at once: while the first waits for an answer, the second claims others,
# and waits for its own, or first for the account.
$sandbox->reset;
stale_orders(2001, 300);
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

# And many short steps of three at once.
$sandbox->reset;
sql('TRUNCATE orders, cancel_log');
stale_orders(3001, 400);
{
	my @jobs = map { start_sql('CALL cancel_stale_orders(10, 1000)') } 1 .. 3;

	is(finish_sql($_), '', 'a job of three ends well') foreach @jobs;
	sql('CALL settle_orders()');
	is(orders_by_status(), 'cancelled 400', 'three jobs: all is cancelled');
	each_sent_once('three jobs');
}

# Each outcome, and where it leads.
$sandbox->reset;
sql('TRUNCATE orders, cancel_log');
stale_orders(4001, 6);
$sandbox->fill('xt', 4002);
$sandbox->set_status('xt', 4003, 'cancelled');
$sandbox->set_status('xt', 4004, 'failing');
$sandbox->arm('close_after', provider => 'xt', match_id => 4006);
sql('CALL cancel_stale_orders(5)');
is(sql(q{SELECT id, status FROM orders ORDER BY id}),
	"4001|cancelled\n4002|closed\n4003|gone\n4004|check\n4005|cancelled\n4006|check",
	'each outcome leads where it should');
is(sql(recipe('job-check')) =~ s/^(\d+)\|\d+\|[^|]*\|(\w+)\|.*$/$1 $2/gmr,
	"4004 unknown\n4006 unknown", 'the unknown ones are shown for checking');
sql('CALL cancel_stale_orders()');
each_sent_once('unknown');

# Nobody there: nothing is sent, and the orders may go again.
$sandbox->reset;
sql('TRUNCATE orders, cancel_log');
stale_orders(5001, 30);
my $old_url = $sandbox->base_url('xt');
my $dead_url = $old_url =~ s/:\d+/:1/r;
sql(qq{ALTER SERVER xt OPTIONS (SET base_url '$dead_url', ADD retries '0')});
sql('CALL cancel_stale_orders(10)');
is(orders_by_status(), 'open 30', 'not sent: still open');
is(sql(q{SELECT outcome, count(*), bool_and(sent_at IS NULL) FROM cancel_log GROUP BY 1}),
	'not_sent|10|t', '... and the job ended after one step');
sql(qq{ALTER SERVER xt OPTIONS (SET base_url '$old_url', DROP retries)});
sql('CALL cancel_stale_orders(10)');
is(orders_by_status(), 'cancelled 30', 'later they go');

# An error that the call would raise is raised before the claim is committed.
sql('TRUNCATE orders, cancel_log');
stale_orders(6001, 3);
sql(q{INSERT INTO orders SELECT 'oops', provider, market, placed_at FROM orders LIMIT 1});
like(sql_error('CALL cancel_stale_orders()'),
	qr/id "oops" at position \d+ of "ids" is not 1 to 19 digits/, 'a bad id');
is(orders_by_status(), 'open 4', 'no claim is left behind');

# The job dies during its call.
$sandbox->reset;
sql('TRUNCATE orders, cancel_log');
stale_orders(7001, 5);
$sandbox->arm('black_hole', provider => 'xt');
{
	my $log_start = -s $node->logfile;
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
	like(slurp_file($node->logfile, $log_start), qr/$counts/, '... and the counts');
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

# A job that died between the log and the settling: the next one catches up.
sql(q{UPDATE orders SET status = 'cancelling', claimed_at = now()});
sql(q{INSERT INTO cancel_log (call_id, logged_at, server, order_id, outcome)
	SELECT call_id, now(), 'xt', id, 'cancelled' FROM orders});
sql('CALL cancel_stale_orders()');
is(orders_by_status(), 'cancelled 5', 'what is in the log is taken over');

# ----
# A mapping that leaves no trace, for the role that lends its account
# ----

sql('CREATE ROLE clerk LOGIN');
sql('CREATE EXTENSION pg_stat_statements');
sql(recipe('lend-role'));
$sandbox->add_account('xt', \%KEYS);

# Run the script as the README says; returns exit code and output.
sub run_mapping_script
{
	my ($script, @options) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/create_mapping.sql';
	my $output = '';

	append_to_file($file, $script);
	local $ENV{XT_ACCESS_KEY} = $KEYS{access_key};
	local $ENV{XT_SECRET_KEY} = $KEYS{secret_key};
	my $ok = IPC::Run::run(
		[ 'psql', '-X', '-d', $node->connstr('erp'), @options, '-f', $file ],
		'<', \undef, '>', \$output, '2>&1');
	return ($ok, $output);
}

sub keys_in { return grep { index($_[0], $_) >= 0 } qw(recipe-access-key recipe-secret); }

{
	my $script = recipe('mapping-script');

	my ($ok, $output) = run_mapping_script($script, '-U', 'clerk');
	ok(!$ok, 'the script stops if it may not change the settings');
	like($output, qr/permission denied/, '... and says so');
	unlike($output, qr/BEGIN/, '... before it does anything');

	($ok, $output) = run_mapping_script($script =~ s/secret_key :/secret_kee :/r);
	ok(!$ok, 'a mistake in it is an error');
	like($output, qr/invalid option "secret_kee"/, '... of the validator');
	is_deeply([ keys_in($output) ], [], '... which shows no key');

	my $look = q{SELECT 'seen: ' || count(*) FROM pg_stat_activity
		WHERE pid = pg_backend_pid() AND query <> '';};
	($ok, $output) = run_mapping_script($script =~ s/(?=COMMIT;)/$look\n/r);
	ok($ok, 'the script creates the mapping') or diag($output);
	like($output, qr/seen: 0/, '... unseen in pg_stat_activity');
	is_deeply([ keys_in($output) ], [], '... without a word of the keys');
	is(sql(q{
			SELECT o.option_value
			FROM pg_user_mappings AS m, pg_options_to_table(m.umoptions) AS o
			WHERE m.usename = 'order_desk'
			ORDER BY o.option_name}),
		"$KEYS{access_key}\n$KEYS{secret_key}", '... with the right keys');
	is_deeply([ keys_in(slurp_file($node->logfile)) ], [],
		'no key is in the server log');
	is(sql(q{SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%USER MAPPING FOR order_desk%'}),
		0, '... nor the statement in pg_stat_statements');
}

# ----
# Lending an account
# ----

$sandbox->reset;
sql('TRUNCATE orders, cancel_log');
stale_orders(8001, 2, account => $KEYS{access_key});
sql(recipe('lend-function'));
is($node->safe_psql('erp', q{SELECT cancel_one_order('8001')}, extra_params => [ '-U', 'clerk' ]),
	'cancelled', 'a clerk cancels an order');
is($sandbox->truth('xt')->{8001}, 'cancelled', '... really');
is($sandbox->requests->[0]{account}, $KEYS{access_key}, '... with the lent account');
is(sql('SELECT order_id, outcome FROM cancel_log'), '8001|cancelled', '... and it is logged');
sql('CALL settle_orders()');
is(sql(q{SELECT status FROM orders WHERE id = '8001'}), 'cancelled', '... and settled');
foreach my $case (
	[ q{SELECT cancel_one_order('8001')}, qr/order "8001" is not open/ ],
	[ q{SELECT cancel_one_order('9999')}, qr/order "9999" is not open/ ],
	[ q{SELECT * FROM batch_cancel('btc_usdt', ARRAY[8002])},
		qr/permission denied for function batch_cancel/ ],
	[ q{SELECT * FROM batch_cancel_preview('btc_usdt', ARRAY[8002])},
		qr/permission denied for function batch_cancel_preview/ ],
	[ q{SET ROLE order_desk}, qr/permission denied/ ],
	[ q{SELECT * FROM orders}, qr/permission denied/ ])
{
	like(sql_error($case->[0], extra_params => [ '-U', 'clerk' ]), $case->[1],
		'... a clerk may not do more');
}
is($node->safe_psql('erp', q{SELECT count(umoptions) FROM pg_user_mappings},
		extra_params => [ '-U', 'clerk' ]), '0', 'nor see a key');
is($sandbox->truth('xt')->{8002}, 'open', 'nothing else was touched');

# An attempt to slip in a table or function of the same name.
$node->safe_psql('erp', <<'END', extra_params => [ '-U', 'clerk' ]);
CREATE TEMP TABLE orders (id text, provider text, market text, status text);
CREATE TEMP TABLE cancel_log (call_id bigint, order_id text, outcome public.order_outcome);
CREATE FUNCTION pg_temp.max(public.order_outcome) RETURNS public.order_outcome
LANGUAGE sql AS $$ SELECT 'accepted'::public.order_outcome $$;
SELECT public.cancel_one_order('8002');
END
is($sandbox->truth('xt')->{8002}, 'cancelled', 'the search_path is pinned');

# ----
# Privileges, pace, Wangdian's server
# ----

sql(recipe('privileges'));
is(sql(q{SELECT has_function_privilege('reconciliation',
	'batch_cancel(text, anycompatiblearray, name)', 'EXECUTE')}), 't', 'privileges');

$sandbox->reset;
stale_orders(8101, 1);
$sandbox->arm('black_hole', provider => 'xt', times => 0);
{
	my $call = start_sql(q{SELECT FROM batch_cancel('btc_usdt', ARRAY[8101])});
	ok($sandbox->wait_for(fault => 'black_hole'), 'a call sends');
	my $other = start_sql(q{SELECT FROM batch_cancel('btc_usdt', ARRAY[8101])});

	# Where sessions share memory, they do not wait for each other.
	if ($ENV{OG_PRELOAD} || $node->pg_version >= 17)
	{
		ok($sandbox->wait_for(fault => 'black_hole', count => 2), 'and so does another');
		is(sql(recipe('pace-locks')), '', '... without a lock of the account');
	}
	else
	{
		ok($node->poll_query_until('erp', q{SELECT count(*) = 2 FROM (}
				. recipe('pace-locks') =~ s/;//r . ') AS l'),
			'the lock of the account, and who waits for it, can be seen');
		like(sql(recipe('pace-locks')), qr/^\d+\|t\|erp\|.*^\d+\|f\|erp\||^\d+\|f\|erp\|.*^\d+\|t\|erp\|/ms,
			'... as the README shows');
	}
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
		WHERE query LIKE 'SELECT FROM batch_cancel%'});
	like(finish_sql($_), qr/canceling statement due to user request/,
		'... and cancelled') foreach $call, $other;
	$sandbox->disarm;
}

sql(recipe('wangdian-server'));
like(sql_error(q{CREATE SERVER w2 FOREIGN DATA WRAPPER wangdian_fdw}),
	qr/is not encrypted/, 'plain HTTP must be allowed');
sql('DROP SERVER wangdian');

# ----
# Tables: codes and their outcomes
# ----

sql($sandbox->server_sql($_, retries => 0) . $sandbox->mapping_sql($_))
  foreach qw(tronsave btse wangdian);
sql(q{ALTER SERVER xt OPTIONS (ADD retries '0', ADD rate_limit 'off')});

# What the SQL function says when the sandbox gives an order this verdict.
sub outcome_of
{
	my ($provider, $call, $code) = @_;

	$sandbox->reset;
	$sandbox->seed($provider, ids => ['77'],
		$provider =~ /xt|btse/ ? (market => 'BTC-USD') : ());
	$sandbox->arm('verdict', provider => $provider, code => $code);
	return sql("SELECT outcome FROM $call");
}

{
	my %checked;
	my @tables = (
		[ 'xt', q{batch_cancel('BTC-USD', ARRAY[77])},
			(split /XT says about the whole request/, chapter('## XT'))[0] ],
		[ 'btse', q{btse_cancel('BTC-USD', ARRAY[77])}, chapter('## BTSE') ]);

	foreach my $table (@tables)
	{
		my ($provider, $call, $text) = @$table;

		foreach my $row (table_rows($text))
		{
			my ($codes, $meaning, $outcome) = @$row;
			($outcome) = quoted($outcome);
			my @codes = $codes eq 'any other' ? (99) : split /, /, $codes;
			foreach my $code (@codes)
			{
				is(outcome_of($provider, $call, $code), $outcome,
					"README: $provider $code is $outcome");
				$checked{$provider}++;
			}
		}
	}
	is($checked{xt}, 6, 'all codes of XT');
	is($checked{btse}, 15, 'all status values of BTSE');
}

# XT's codes for a request as a whole.
foreach my $row (table_rows((split /code \| XT says about the whole/, chapter('## XT'))[1]))
{
	my ($codes, undef, $outcome) = @$row;
	($outcome) = quoted($outcome);
	foreach my $code ($codes eq 'any other' ? (998) : split /, /, $codes)
	{
		next if $code == 200;
		$sandbox->reset;
		$sandbox->seed('xt', market => 'btc_usdt', ids => ['77']);
		$sandbox->arm($codes eq 'any other' ? 'undefined_envelope' : 'envelope',
			provider => 'xt', code => $code);
		is(sql(q{SELECT outcome FROM batch_cancel('btc_usdt', ARRAY[77])}),
			$outcome, "README: a request with $code is $outcome");
	}
}

# Wangdian's reasons.
foreach my $row (grep { $_->[0] =~ /采购/ } table_rows(chapter('## Wangdian')))
{
	my ($reason) = quoted($row->[0]);
	my ($outcome) = quoted($row->[1]);

	is(outcome_of('wangdian', q{wangdian_cancel(ARRAY[77])}, $reason),
		$outcome, encode_utf8("README: $reason is $outcome"));
}
is(outcome_of('wangdian', q{wangdian_cancel(ARRAY[77])}, 'no'), 'rejected',
	'README: any other reason is rejected');
is(outcome_of('tronsave', q{tronsave_cancel(ARRAY[77])}, 'no'), 'rejected',
	'README: is_success false is rejected');

# ----
# Tables: functions, columns, options, outcomes, SQLSTATEs
# ----

is_deeply([ sort map { (quoted($_->[0]))[0] } table_rows(
			(split /How an answer/, chapter('## Reading the rows'))[0]) ],
	[ sort split /\n/, sql('SELECT unnest(enum_range(NULL::order_outcome))') ],
	'README: the outcomes');

# Names of all functions, with those of their arguments.
{
	my $functions = sql(q{
		SELECT format('%s(%s)', p.proname,
			(SELECT string_agg(name, ', ') FROM
			 (SELECT unnest(p.proargnames[1:p.pronargs]) AS name) AS n))
		FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid
		WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
		  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'order_gateway')
		  AND p.proname !~ 'validator$|_support$|^order_gateway_(activity|stats|limits)$'});
	my @shown = grep { /\(/ } map { (quoted($_->[0]))[0] }
	  table_rows(chapter('### Functions'));

	# types stand behind the names; "grouping" is a word of SQL
	s/"//g, s/(\w+) [^,()]+/$1/g foreach @shown;
	is_deeply([ sort @shown ], [ sort split /\n/, $functions ],
		'README: the functions and their arguments');
}

foreach my $case (
	[ '### Columns of a call', q{batch_cancel('btc_usdt', '{}')} ],
	[ '### Columns of a preview', q{batch_cancel_preview('btc_usdt', '{}')} ],
	[ '### Columns of a check', q{order_gateway_check('xt')} ])
{
	sql("CREATE TEMP VIEW v AS SELECT * FROM $case->[1]");
	my $columns = sql("CREATE TEMP VIEW v AS SELECT * FROM $case->[1];"
		. q{SELECT attname FROM pg_attribute
		    WHERE attrelid = 'v'::regclass AND attnum > 0 ORDER BY attnum});
	is_deeply([ map { (quoted($_->[0]))[0] } table_rows(chapter($case->[0])) ],
		[ split /\n/, $columns ], "README: $case->[0]");
}

is_deeply([ map { quoted($_->[0]) } table_rows(chapter('### Columns of the views')) ],
	[ split /\n/, sql(q{
		SELECT attname FROM pg_attribute JOIN unnest('{order_gateway_activity,
			order_gateway_stats,order_gateway_limits}'::regclass[]) WITH ORDINALITY
			AS v (oid, n) ON oid = attrelid
		WHERE attnum > 0 ORDER BY n, attnum}) ],
	'README: columns of the views');
is_deeply(
	[ grep { /^order_gateway\./ } map { quoted($_->[0]) } table_rows(chapter('## Settings')) ],
	[ split /\n/, sql(q{LOAD 'order_gateway';
		SELECT name FROM pg_settings WHERE name LIKE 'order_gateway.%' ORDER BY name DESC}) ],
	'README: parameters');

# Options, as the validators list them when they refuse one.
{
	my ($server_table, $mapping_table) = split /Options of user mappings/,
	  chapter('## Settings');
	my @shown = map { (quoted($_->[0]))[0] } table_rows($server_table);
	my %known;

	foreach my $provider ($sandbox->providers)
	{
		my ($names) = sql_error(
			"CREATE SERVER s FOREIGN DATA WRAPPER ${provider}_fdw OPTIONS (nope '1')")
		  =~ /Valid options of a server are: (.*)\./;
		$known{$_} = 1 foreach split /, /, $names;

		($names) = sql_error(
			"CREATE USER MAPPING FOR PUBLIC SERVER $provider OPTIONS (nope '1')"
			. ($provider eq 'wangdian' ? '' : ''))
		  =~ /Valid options of a user mapping are: (.*)\./;
		my ($row) = grep { $_->[0] eq "`${provider}_fdw`" } table_rows($mapping_table);
		is_deeply([ grep { !/:/ } quoted($row->[1]) ], [ split /, /, $names ],
			"README: options of a user mapping of $provider");
	}
	is_deeply([ sort @shown ], [ sort keys %known ], 'README: options of servers');

	# Defaults and bounds that are plain values, by trying them.
	foreach my $row (table_rows($server_table))
	{
		my ($option) = quoted($row->[0]);
		my ($low, $high) = $row->[2] =~ /^`?(\w+)`?(?: \(.*?\))? to `?(\w+)`?$/ or next;

		sql("CREATE SERVER bound FOREIGN DATA WRAPPER xt_fdw OPTIONS ($option '$_');"
			. 'DROP SERVER bound') foreach $low, $high;
		my ($number, $unit) = $high =~ /^(\d+)(\D*)$/;
		my $above = ($number + 1) . $unit;
		like(sql_error("CREATE SERVER bound FOREIGN DATA WRAPPER xt_fdw OPTIONS ($option '$above')"),
			qr/from \Q$low\E to \Q$high\E/, "README: bounds of $option");
	}
}

# ----
# Troubleshooting: every text of ours is in the sources
# ----

{
	my $source = join "\n", map { decode_utf8(slurp_file($_)) } glob "$TOP/src/*.[ch]";
	my $errors = (split /From PostgreSQL itself/, chapter('### Errors'))[0];
	my @texts = map { quoted($_->[0]) } table_rows($errors);
	my $count = 0;

	$source =~ s/\\"/"/g;
	push @texts, grep { $_ ne 'HTTP …' && $_ ne 'the answer …' }
	  map { quoted($_->[1]) } table_rows(chapter('### Messages in rows'));
	foreach my $text (@texts)
	{
		# what a sentence is about may be put before the rest of it
		my ($pattern, $rest) = map {
			join '[^;]{1,40}?', map { quotemeta } split /…/
		} $text, $text =~ s/^(?:(?:argument )?"[^"]*"(?: of the order at position …)?|the answer) //r;

		ok($source =~ /$pattern/ || $source =~ /(?:"|%s )$rest/,
			encode_utf8("README: the sources say: $text"));
		$count++;
	}
	cmp_ok($count, '>', 30, 'README: many texts were looked for');
}

# ----
# All other SQL is at least SQL
# ----

foreach my $block (grep { $_->{language} eq 'sql' && !$_->{name} } @blocks)
{
	my $text = $block->{text};

	# PL/pgSQL parses all statements of a body before it runs the first.
	ok(eval { sql_utf8("DO \$parse\$ BEGIN RETURN;\n$text\nEND \$parse\$"); 1 },
		encode_utf8('README: parses: ' . (split /\n/, $text)[0])) or diag($@);
}

# ----
# Settling unknown outcomes
# ----

sql(recipe('settle-log'));
sql(recipe('settle-job'));
$sandbox->reset;
stale_orders(9501, 4);
# two whose cancel had no answer and was carried out, two where it was not
foreach my $ids ([ 9501, 9502 ], [ 9503, 9504 ])
{
	my $list = join ', ', @$ids;
	my $call = 1000000 + $ids->[0];

	$sandbox->arm('close_after', provider => 'xt',
		process => $ids->[0] == 9501 ? JSON::PP::true() : JSON::PP::false());
	sql("INSERT INTO cancel_log SELECT $call, now(), 'xt', c.order_id::text, c.outcome, c.code,"
		  . ' c.message, c.ordinal, c.batch, c.attempts, c.http_status,'
		  . " c.sent_at - interval '2 min', c.answered_at, c.response"
		  . " FROM batch_cancel('btc_usdt', ARRAY[$list]) AS c");
	sql("UPDATE orders SET status = 'check', call_id = $call WHERE id IN ("
		  . join(', ', map { "'$_'" } @$ids) . ')');
}
sql('CALL settle_unknown_orders()');
is(sql(q{SELECT string_agg(id || ' ' || status, ', ' ORDER BY id) FROM orders
	WHERE id BETWEEN '9501' AND '9504'}),
	'9501 cancelled, 9502 cancelled, 9503 open, 9504 open',
	'a job settles unknown outcomes');
is(sql(q{SELECT string_agg(outcome || ' ' || order_state, ', ' ORDER BY order_id) FROM settle_log}),
	'cancelled cancelled, cancelled cancelled, rejected open, rejected open',
	'... and keeps what it was told');
if ($has_cron)
{
	sql(recipe('cron-settle'));
	is(sql(q{SELECT command FROM cron.job WHERE jobname = 'settle unknown orders'}),
		'CALL settle_unknown_orders()', '... every minute');
	sql(q{SELECT cron.unschedule('settle unknown orders')});
}

# ----
# What goes on, where sessions share memory
# ----

is(sql(recipe('going-live')) =~ s/^(\w+( \w+)?)\|(\w)\|.*$/$1 $3/gmr,
	join("\n", map { "$_ t" } 'name lookup', 'connection', 'tls', 'certificate',
		'http', 'round trip', 'clock', 'credentials'),
	'a check before going live');
$node->append_conf('postgresql.conf', recipe('preload-conf'));
$node->restart;
sql('SELECT order_gateway_stats_reset()');
$sandbox->reset;
stale_orders(9001, 2);
sql(q{ALTER SERVER xt OPTIONS (SET rate_limit '10/1s per key')});
sql(q{SELECT FROM batch_cancel('btc_usdt', ARRAY[9001])});
$sandbox->arm('black_hole', provider => 'xt');
{
	my $call = start_sql(q{SELECT FROM batch_cancel('btc_usdt', ARRAY[9002])});

	ok($sandbox->wait_for(fault => 'black_hole'), 'a call sends');
	like(sql(recipe('see-activity')),
		qr/^\d+\|xt\|batch_cancel\|0 of 1\|1\|answer\|00:00:\d\d\|$/, 'calls in progress');
	sql(q{SELECT pg_cancel_backend(pid) FROM order_gateway_activity});
	like(finish_sql($call), qr/canceling statement due to user request/,
		'... can be cancelled');
	$sandbox->disarm;
}
is(sql(recipe('see-stats')) =~ s/\d+$//r, 'xt|batch_cancel|2|2|0|1|0|0|0|1|',
	'statistics');
like(sql(recipe('see-histogram')), qr/^xt\|batch_cancel\|\d+ m?s\|1$/,
	'... with a histogram');
like(sql(recipe('see-limits')),
	qr{^\w+\|orders\|localhost:\d+\|xt\|10/1s per key\|\d+\|\d+\|}m, 'limits');
# two statements, of which one may not be in a transaction
foreach my $statement (split /;\n/, recipe('see-log'))
{
	sql($statement);
}
ok($node->poll_query_until('erp', 'SHOW order_gateway.log_requests', 'on'),
	'the log of requests is on');
sql(q{SELECT FROM batch_cancel('btc_usdt', ARRAY[9002])});
{
	my ($line) = chapter('### A log line for each request') =~ /^(LOG: .*)$/m;
	my ($detail) = chapter('### A log line for each request') =~ /^(DETAIL: .*)$/m;

	foreach ($line, $detail)
	{
		$_ = quotemeta;
		s/\d+/\\d+/g;
		like(slurp_file($node->logfile), qr/$_/, '... as the README shows it');
	}
}

delete @recipe{ grep { /^cron/ } keys %recipe } unless $has_cron;
is_deeply([ sort keys %was_run ], [ sort keys %recipe ], 'every recipe was run');

$sandbox->stop;
$node->stop;
done_testing();
