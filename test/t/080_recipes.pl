# The documents are true: their recipes run, word by word, and their tables say what
# the code does.
#
# A block of code in README.md or docs/ that follows a line "<!-- recipe: NAME -->" is
# run as it stands, in a database "erp"; what the reader is expected to fill
# in (keys, addresses) is set beside it. Most are run here, those of the job
# by 081_job and those of client programs by 082_clients. Every other block of
# SQL must at least be parsed by the server. Tables that list codes and options are
# compared with the sandbox's answers and the hints of validators.

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8 encode_utf8);
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Erp;

# Made up for this test, so that they can be looked for in every corner.
my %KEYS = (
	access_key => 'recipe-access-key-4711',
	secret_key => q{recipe-secret'key\\4711});

# ----
# A server as it might be in production, one that logs everything
# ----

my $erp = OrderGateway::Erp->start('recipes', conf => <<"END");
shared_preload_libraries = 'pg_stat_statements, order_gateway'
order_gateway.databases = 'erp'
log_statement = all
log_min_duration_statement = 0
log_transaction_sample_rate = 1
log_min_error_statement = debug5
END
my ($node, $sandbox, $documents) = ($erp->node, $erp->sandbox, $erp->documents);

sub chapter { return $documents->chapter(@_); }
sub table_rows { return $documents->table_rows(@_); }
sub quoted { return $documents->quoted(@_); }
sub recipe { return $documents->recipe(@_); }
sub sql { return $erp->sql(@_); }
sub sql_error { return $erp->sql_error(@_); }
sub start_sql { return $erp->start_sql(@_); }
sub finish_sql { return $erp->finish_sql(@_); }
sub stale_orders { return $erp->stale_orders(@_); }

# What the server's log says of a lost batch, as the documents show it, up to
# the ids.
my ($LOST) = chapter('docs/troubleshooting.md', '## What the server\'s log says') =~ /^LOG:  (.*batch )1: /m;

# For statements with bytes beyond ASCII.
sub sql_utf8
{
	my $text = $_[0];

	utf8::encode($text);
	return decode_utf8(sql($text));
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

# ----
# Getting started: five statements to the first cancel
# ----

{
	my $ids = '156293034776986';
	my @statements = split /(?<=;)\n/, recipe('first-cancel');

	is(scalar(@statements), 5, 'there are five statements');
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

	is(sql($statements[3]), 1, 'the first call is submitted');
	my @rows = split /\n/, sql($statements[4]);
	like($rows[0], qr/^156293034776986\|cancelled\|/, 'the first cancel');
	like($rows[1], qr/^156293034776987\|not_found\|/, '... and its neighbour');
	is_deeply($sandbox->executed('xt'), [$ids], '... is the truth');
	like(sql(recipe('first-call')), qr/^156293034776988\|not_found\|/, '... as is a call in the session');
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

	my $log_start = $erp->log_end;
	sql(q{BEGIN; SELECT FROM batch_cancel('btc_usdt', ARRAY[5]); ROLLBACK});
	is($sandbox->truth('xt')->{5}, 'cancelled', 'ROLLBACK cancels nothing back');
	is(sql(q{SELECT outcome FROM order_gateway_find(ARRAY[5])}), 'cancelled', '... and the journal tells');
	sql_error(q{SELECT 1 / (ordinal - 1) FROM batch_cancel('btc_usdt', ARRAY[6])});
	is(sql(q{SELECT outcome FROM order_gateway_find(ARRAY[6])}), 'cancelled', '... as of a statement that fails');

	# Where no journal is written, that is the log's.
	$sandbox->seed('xt', market => 'btc_usdt', ids => [7]);
	sql(q{ALTER SERVER xt OPTIONS (ADD journal 'false')});
	sql(q{BEGIN; SELECT FROM batch_cancel('btc_usdt', ARRAY[7]); ROLLBACK});
	sql(q{ALTER SERVER xt OPTIONS (DROP journal)});
	like($erp->log_since($log_start),
		qr/LOG:  \Q$LOST\E1: 1 cancelled \(7\)/, '... and without one the log tells');
}

# ----
# A mapping that leaves no trace, for the role that lends its account
# ----

sql(recipe($_)) foreach qw(orders job-orders log-table job-settle);

# README's whole job
$sandbox->reset;
stale_orders(8501, 3);
{
	sql('CREATE TABLE submitted_call (call_id bigint PRIMARY KEY)');
	sql(recipe('first-job'));
	is(sql('SELECT outcome, count(*) FROM submitted_call AS s, order_gateway_wait(s.call_id) GROUP BY outcome'),
		'cancelled|3', 'a whole job');
	sql(recipe('first-job'));
	is(sql('SELECT count(*) FROM submitted_call'), 1, '... which submits nothing where nothing is stale');
	sql('DELETE FROM orders');
}

sql('CREATE ROLE clerk LOGIN');
sql('CREATE EXTENSION pg_stat_statements');
sql(recipe('job-lend-role'));
$sandbox->add_account('xt', \%KEYS);

# Run the script as the document says; returns exit code and output.
sub run_mapping_script
{
	my ($script, $keys, @options) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/create_mapping.sql';
	my $output = '';

	append_to_file($file, $script);
	local %ENV = (%ENV, %$keys);
	my $ok = IPC::Run::run(
		[ 'psql', '-X', '-d', $node->connstr('erp'), @options, '-f', $file ],
		'<', \undef, '>', \$output, '2>&1');
	return ($ok, $output);
}

sub keys_in { return grep { index($_[0], $_) >= 0 } qw(recipe-access-key recipe-secret); }

{
	my $script = recipe('mapping-script');
	my %keys = (XT_ACCESS_KEY => $KEYS{access_key}, XT_SECRET_KEY => $KEYS{secret_key});
	my ($ok, $output);

	# keys that were forgotten, both or one
	foreach my $given ({}, { XT_ACCESS_KEY => $KEYS{access_key} },
		{ XT_SECRET_KEY => $KEYS{secret_key} })
	{
		($ok, $output) = run_mapping_script($script, $given);
		ok(!$ok, 'the script stops without its keys');
		like($output, qr/ERROR:  XT_ACCESS_KEY and XT_SECRET_KEY must be set in the environment/,
			'... and says so');
		unlike($output, qr/BEGIN|syntax error/, '... before it does anything');
		is_deeply([ keys_in($output) ], [], '... and shows no key');
	}
	($ok, $output) = run_mapping_script($script, { %keys, XT_SECRET_KEY => '' });
	ok(!$ok, 'an empty key is refused');
	like($output, qr/ERROR:  invalid value for option "secret_key"/, '... by the validator');

	($ok, $output) = run_mapping_script($script, \%keys, '-U', 'clerk');
	ok(!$ok, 'the script stops if it may not change the settings');
	like($output, qr/permission denied/, '... and says so');
	unlike($output, qr/BEGIN/, '... before it does anything');

	($ok, $output) = run_mapping_script($script =~ s/secret_key :/secret_kee :/r, \%keys);
	ok(!$ok, 'a mistake in it is an error');
	like($output, qr/invalid option "secret_kee"/, '... of the validator');
	is_deeply([ keys_in($output) ], [], '... which shows no key');

	my $look = q{SELECT 'seen: ' || count(*) FROM pg_stat_activity
		WHERE pid = pg_backend_pid() AND query <> '';};
	($ok, $output) = run_mapping_script($script =~ s/(?=COMMIT;)/$look\n/r, \%keys);
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
stale_orders(8001, 4, account => $KEYS{access_key});
sql(recipe('job-lend-function'));

sub clerk { return $node->safe_psql('erp', $_[0], extra_params => [ '-U', 'clerk' ]); }

is(clerk(q{CALL cancel_one_order('8001')}), 'cancelled', 'a clerk cancels an order');
is($sandbox->truth('xt')->{8001}, 'cancelled', '... really');
is($sandbox->requests->[0]{account}, $KEYS{access_key}, '... with the lent account');
is(sql('SELECT order_id, outcome FROM cancel_log'), '8001|cancelled', '... and it is logged');
sql('CALL settle_orders()');
is(sql(q{SELECT status FROM orders WHERE id = '8001'}), 'cancelled', '... and settled');
foreach my $case (
	[ q{CALL cancel_one_order('8001')}, qr/order "8001" is not open/ ],
	[ q{CALL cancel_one_order('9999')}, qr/order "9999" is not open/ ],
	[ q{BEGIN; CALL cancel_one_order('8002'); COMMIT}, qr/invalid transaction termination/ ],
	[ q{SELECT send_claimed_order('8001', 1)}, qr/order "8001" is not claimed by call 1/ ],
	[ q{BEGIN; SELECT send_claimed_order('8002', claim_order('8002'))},
		qr/order "8002" is not claimed by call/ ],
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
is(sql(q{SELECT status FROM orders WHERE id = '8002'}), 'open', '... nor claimed');

# The claim outlives whatever ends the call, and is used once.
clerk(q{SELECT claim_order('8003')});
{
	my ($call) = split /\n/, sql(q{SELECT call_id FROM orders WHERE id = '8003'});

	is(clerk("SELECT send_claimed_order('8003', $call)"), 'cancelled', 'a claim is used');
	like(sql_error("SELECT send_claimed_order('8003', $call)", extra_params => [ '-U', 'clerk' ]),
		qr/is not claimed by call $call/, '... once');
}
$sandbox->arm('black_hole', provider => 'xt');
{
	my $call = start_sql(q{CALL cancel_one_order('8004')}, '-U', 'clerk');

	ok($sandbox->wait_for(fault => 'black_hole'), 'a call gets no answer');
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'});
	like(finish_sql($call), qr/canceling statement due to user request/, '... and is cancelled');
	$sandbox->disarm;
}
is(sql(q{SELECT status FROM orders WHERE id = '8004'}), 'cancelling', '... its claim stays');
like(sql_error(q{CALL cancel_one_order('8004')}, extra_params => [ '-U', 'clerk' ]),
	qr/order "8004" is not open/, '... so it is not sent again');

# An attempt to slip in a table or function of the same name.
$node->safe_psql('erp', <<'END', extra_params => [ '-U', 'clerk' ]);
CREATE TEMP TABLE orders (id text, provider text, market text, status text);
CREATE TEMP TABLE cancel_log (call_id bigint, order_id text, outcome public.order_outcome);
CREATE FUNCTION pg_temp.max(public.order_outcome) RETURNS public.order_outcome
LANGUAGE sql AS $$ SELECT 'accepted'::public.order_outcome $$;
CALL public.cancel_one_order('8002');
END
is($sandbox->truth('xt')->{8002}, 'cancelled', 'the search_path is pinned');

# ----
# Privileges, pace, Wangdian's server
# ----

$sandbox->reset;
stale_orders(8101, 1);
$sandbox->arm('black_hole', provider => 'xt', times => 0);
{
	my $call = start_sql(q{SELECT FROM batch_cancel('btc_usdt', ARRAY[8101])});
	ok($sandbox->wait_for(fault => 'black_hole'), 'a call sends');
	my $other = start_sql(q{SELECT FROM batch_cancel('btc_usdt', ARRAY[8101])});

	ok($sandbox->wait_for(fault => 'black_hole', count => 2), 'and so does another');
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

# Who may what, by the sets of grants.
sql(recipe($_)) foreach qw(privileges privileges-trader privileges-reader privileges-monitor);
foreach my $role (qw(canceller trader reader monitor))
{
	# a mapping of its own, since that of another role does not count
	sql($sandbox->mapping_sql($_, role => $role)) foreach qw(xt btse);
}

sub as_role
{
	my ($role, $sql) = @_;
	my ($exit, $output, $error) = $node->psql('erp', "SET ROLE $role; $sql");

	return $exit == 0 ? 'may' : ($error =~ /ERROR:  (permission denied for) /)[0] // $error;
}

foreach my $case (
	[ q{SELECT FROM batch_cancel('btc_usdt', ARRAY[1])}, 'canceller' ],
	[ q{SELECT FROM batch_cancel_preview('btc_usdt', ARRAY[1])}, 'canceller' ],
	[ q{SELECT FROM xt_orders('btc_usdt', ARRAY[1])}, 'canceller reader' ],
	[ q{SELECT FROM xt_open_orders('btc_usdt')}, 'canceller reader' ],
	[ q{SELECT FROM order_gateway_settle('xt', ARRAY[1], NULL, 'btc_usdt')}, 'canceller reader' ],
	[ q{SELECT FROM order_gateway_settle('btse', ARRAY['1'], NULL, 'BTC-USD')}, 'trader reader' ],
	[ q{SELECT FROM order_gateway_check('xt')}, 'canceller monitor' ],
	[ q{SELECT FROM btse_cancel('BTC-USD', ARRAY['1'])}, 'trader' ],
	[ q{SELECT FROM btse_create_order('BTC-USD', 'BUY', 'LIMIT', 1, 1)}, 'trader' ],
	[ q{SELECT FROM btse_cancel_all('BTC-USD')}, '' ],
	[ q{SELECT FROM btse_cancel_all_after('60 s')}, '' ],
	[ q{SELECT FROM btse_invest_redeem('1', 1)}, '' ],
	[ q{SELECT FROM btse_open_orders()}, 'trader reader' ],
	[ q{SELECT FROM btse_time()}, 'reader' ],
	[ q{SELECT FROM order_gateway_stats_reset()}, '' ])
{
	my ($call, $who) = @$case;

	is(join(' ', grep { as_role($_, $call) eq 'may' } qw(canceller trader reader monitor)),
		$who, "documents: who may: $call");
}
is(sql(q{SELECT string_agg(p.oid::regproc::text, ' ' ORDER BY 1)
	FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND e.extname = 'order_gateway'
	JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	WHERE p.proretset AND (p.proname ~ '^(xt|btse|tronsave|wangdian)_')
	AND p.proname !~ '_preview$|_(cancel|create|amend)|invest_(deposit|renew|redeem)$'
	AND NOT has_function_privilege('reader', p.oid, 'EXECUTE')}), '',
	'documents: who reads may call each read');
is(as_role('canceller', q{SELECT FROM tronsave_orders(ARRAY['1'])}), 'permission denied for',
	'documents: what is not granted is refused');
is(sql(q{SELECT pg_has_role('monitor', 'pg_read_all_stats', 'MEMBER')}), 't',
	'documents: who watches sees the views');

# What the rows do not say by themselves.
{
	$sandbox->reset;
	$sandbox->seed('btse', market => 'BTC-USD', ids => ['part']);
	$sandbox->fill('btse', 'part', size => '0.0003');
	is(sql(q{SELECT outcome, response ->> 'totalFilledBaseSize' FROM btse_cancel('BTC-USD', ARRAY['part'])}),
		'cancelled|0.0003', 'documents: a part was filled before it was cancelled');
	is(sql(q{SELECT status_name, total_filled_base_size FROM btse_order('part')}),
		'ORDER_CANCELLED|0.0003', '... as the order tells');
	is(sql(q{SELECT count(*) FROM btse_trade_history('BTC-USD', order_id => 'part')}), 1,
		'... and its trade');
	is(sql(q{SELECT outcome FROM btse_create_order('BTC-USDT', 'BUY', 'PEG', 0.002, 34000, stealth => 10)}),
		'rejected', 'documents: PEG is for markets in USD');

	$sandbox->seed('xt', market => 'btc_usdt', ids => ['7']);
	is(sql(q{SELECT count(*) FROM xt_orders('btc_usdt', ARRAY[7, 7])}), 1,
		'documents: a repeated id is answered once by a read');
	is(sql(q{SELECT count(*) FROM order_gateway_settle('xt', ARRAY[7, 7], NULL, 'btc_usdt')}), 2,
		'... and twice by settling');
	is(sql(q{SELECT count(*) FROM batch_cancel('btc_usdt', ARRAY[7, 7])}), 2, '... and by a cancel');
}

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
			(split /XT says about the whole request/, chapter('docs/providers/xt.md'))[0] ],
		[ 'btse', q{btse_cancel('BTC-USD', ARRAY[77])}, chapter('docs/providers/btse.md') ]);

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
					"documents: $provider $code is $outcome");
				$checked{$provider}++;
			}
		}
	}
	is($checked{xt}, 6, 'all codes of XT');
	is($checked{btse}, 15, 'all status values of BTSE');
}

# XT's codes for a request as a whole.
foreach my $row (table_rows((split /code \| XT says about the whole/, chapter('docs/providers/xt.md'))[1]))
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
			$outcome, "documents: a request with $code is $outcome");
	}
}

# Wangdian's reasons.
foreach my $row (grep { $_->[0] =~ /采购/ } table_rows(chapter('docs/providers/wangdian.md')))
{
	my ($reason) = quoted($row->[0]);
	my ($outcome) = quoted($row->[1]);

	is(outcome_of('wangdian', q{wangdian_cancel(ARRAY[77])}, $reason),
		$outcome, encode_utf8("documents: $reason is $outcome"));
}
is(outcome_of('wangdian', q{wangdian_cancel(ARRAY[77])}, 'no'), 'rejected',
	'documents: any other reason is rejected');
is(outcome_of('tronsave', q{tronsave_cancel(ARRAY[77])}, 'no'), 'rejected',
	'documents: is_success false is rejected');

# ----
# Tables: outcomes, options
# ----

is_deeply([ sort map { (quoted($_->[0]))[0] } table_rows(
			chapter('README.md', '## Outcomes')) ],
	[ sort split /\n/, sql('SELECT unnest(enum_range(NULL::order_outcome))') ],
	'documents: the outcomes');

# Options, as the validators list them when they refuse one.
{
	my ($server_table, $mapping_table) = map { chapter('docs/reference.md', "## Options of $_") }
	  'servers', 'user mappings';
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
			"documents: options of a user mapping of $provider");
	}
	is_deeply([ sort @shown ], [ sort keys %known ], 'documents: options of servers');

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
			qr/from \Q$low\E to \Q$high\E/, "documents: bounds of $option");
	}
}

# ----
# All other SQL is at least SQL
# ----

foreach my $block (grep { $_->{language} eq 'sql' && !$_->{name} } $documents->blocks)
{
	my $text = $block->{text};

	# PL/pgSQL parses all statements of a body before it runs the first.
	ok(eval { sql_utf8("DO \$parse\$ BEGIN RETURN;\n$text\nEND \$parse\$"); 1 },
		encode_utf8('documents: parses: ' . (split /\n/, $text)[0])) or diag($@);
}

# ----
# What goes on
# ----

is(sql(recipe('going-live')) =~ s/^(\w+( \w+)?)\|(\w)\|.*$/$1 $3/gmr,
	join("\n", map { "$_ t" } 'name lookup', 'connection', 'tls', 'certificate',
		'http', 'round trip', 'clock', 'credentials'),
	'a check before going live');
$node->append_conf('postgresql.conf', recipe('preload-conf'));
$node->restart;
ok($node->poll_query_until('erp', 'SELECT pid IS NOT NULL FROM order_gateway_workers'), 'the worker runs again');
like(sql(recipe('see-workers')), qr/^erp\|\d+\|0\|0\|0\|\|/, 'workers');
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

# What had left when the statement was cancelled is waited for by the worker.
ok($node->poll_query_until('erp', 'SELECT sum(unknown) = 1 FROM order_gateway_stats'), '... and is completed');
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
	my ($line) = chapter('docs/operations.md', '### A log line for each request') =~ /^(LOG: .*)$/m;
	my ($detail) = chapter('docs/operations.md', '### A log line for each request') =~ /^(DETAIL: .*)$/m;

	foreach ($line, $detail)
	{
		$_ = quotemeta;
		s/\d+/\\d+/g;
		like(slurp_file($node->logfile), qr/$_/, '... as the documents show it');
	}
}

$erp->stop;
done_testing();
