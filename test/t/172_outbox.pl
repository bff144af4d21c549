# What a worker does with calls of the outbox: it sends each order once, after it
# has written that down, and each gets its result, whatever is in the way.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep time);

use OrderGateway::Test qw(sql_array sql_text);

my $test = OrderGateway::Test->start(
	preload => 1,
	standby => 1,
	conf => "order_gateway.databases = 'postgres'",
	options => { rate_limit => 'off', settle_after => '0' });
my $sandbox = $test->sandbox;
my $session = $test->session;
my $other = $test->session;

# ----
# Calls
# ----

my %SUBMIT = (
	xt => sub { "batch_cancel_submit('btc_usdt', $_[0], $_[1]" },
	tronsave => sub { "tronsave_cancel_submit($_[0], $_[1]" },
	btse => sub { "btse_cancel_submit('BTC-USD', $_[0], 'order_id', $_[1]" },
	wangdian => sub { "wangdian_cancel_submit($_[0], $_[1]" },
);

# The SQL that submits a cancel; %opts: server, expires_at, not_before (of SQL).
sub submit_sql
{
	my ($provider, $ids, %opts) = @_;
	my $array = ref $ids ? sql_array(@$ids) : $ids;
	my $sql = $SUBMIT{$provider}->($array, sql_text($opts{server} // $provider));

	$sql .= ", $_ => $opts{$_}" foreach grep { $opts{$_} } qw(reference not_before expires_at);
	return "$sql)";
}

sub submit
{
	my ($provider, $ids, %opts) = @_;
	my $in = $opts{session} // $session;

	return $in->value('SELECT ' . submit_sql($provider, $ids, %opts));
}

# Its rows, when it is done: ordinal, order_id, outcome, message.
sub results
{
	my ($call, $seconds) = @_;

	return $session->rows('SELECT row_to_json(r) FROM order_gateway_wait('
		  . "$call, '" . ($seconds // 30) . "s') AS r");
}

sub outcomes
{
	my ($call) = @_;

	return join ' ', map { "$_->{order_id}:$_->{outcome}" } @{ results($call) };
}

sub call
{
	my ($call) = @_;

	return $other->rows(
		"SELECT row_to_json(c) FROM order_gateway_calls AS c WHERE call_id = $call")->[0];
}

sub is_done { return call($_[0])->{state} eq 'done'; }

sub worker
{
	return $other->rows('SELECT row_to_json(w) FROM order_gateway_workers AS w')->[0];
}

# Marks of a call: which orders, and whether they left.
sub marks
{
	my ($call) = @_;

	return join ' ', @{ $other->query("SELECT ordinals::text || CASE WHEN leaves THEN '' ELSE '!' END"
		  . " FROM order_gateway_journal_mark WHERE call_id = $call ORDER BY number")->{lines} };
}

# How often requests have named an order.
sub arrivals
{
	my ($provider, $id) = @_;

	return scalar grep { "@{ $_->{ids} // [] }" =~ /(?<!\S)\Q$id\E(?!\S)/ }
	  @{ $sandbox->requests(provider => $provider) };
}

$test->wait_until(sub { worker()->{pid} }, 'the worker is there');

# ----
# What becomes of orders
# ----

$test->seed('xt', 1 .. 2, 4);
$sandbox->set_status('xt', 2, 'filled');
my $id = submit('xt', [ 1 .. 3 ]);
is(outcomes($id), '1:cancelled 2:not_cancellable 3:not_found', 'each order has its outcome');
is(marks($id), '{1,2,3}', '... and was marked');
is_deeply([ @{ call($id) }{qw(state cancelled not_cancellable not_found unknown note)} ],
	[ 'done', 1, 1, 1, 0, undef ], '... and the call its counts');
cmp_ok(call($id)->{done_at}, 'ge', call($id)->{first_sent_at}, '... and its times');

$test->seed($_, 11) foreach qw(tronsave btse wangdian);
is(outcomes(submit($_, [11])), '11:cancelled', "a call to $_") foreach qw(tronsave btse wangdian);

$sandbox->arm('close_after', provider => 'xt', match_id => 4);
$id = submit('xt', [4]);
is(outcomes($id), '4:unknown', 'what is not answered is unknown');
is(arrivals('xt', 4), 1, '... and not sent again');

$sandbox->arm('status', provider => 'xt', match_id => 5, status => 403);
is(outcomes(submit('xt', [5])), '5:rejected', 'what is refused is rejected');

# An id that stands at several places is sent once, and answered at each.
$test->seed('xt', 21, 22);
$id = submit('xt', [ 21, 22, 21, 21 ]);
is(outcomes($id), '21:cancelled 22:cancelled 21:cancelled 21:cancelled', 'repeated ids');
is(marks($id), '{1,2}', '... are marked where they stand first');
is(arrivals('xt', 21), 1, '... and are sent once');
is(call($id)->{cancelled}, 4, '... and count at each place');

# One id that cancels several orders.
$sandbox->seed('btse', market => 'BTC-USD', ids => [ 31, 32 ], group => 'oco');
$id = submit('btse', [31]);
is(join(' ', map { "$_->{ordinal}:$_->{order_id}:$_->{outcome}" } @{ results($id) }),
	'1:31:cancelled 1:31:cancelled', 'an order of two legs has two rows');
is(call($id)->{cancelled}, 2, '... which both count');

# A list of orders, each of which has arguments of its own.
$id = $session->value(q{SELECT btse_create_orders_submit('[
	{"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1, "price": 10, "client_order_id": "o1"},
	{"symbol": "BTC-USD", "side": "SELL", "type": "LIMIT", "size": 2, "price": 90000, "client_order_id": "o2"}]')});
is(outcomes($id), 'o1:accepted o2:accepted', 'a list of orders');
is(join(' ', map { "$_->{side} $_->{size}" } sort { $a->{side} cmp $b->{side} }
		map { JSON::PP->new->decode($_->{body}) }
		grep { $_->{operation} eq 'create_order' } @{ $sandbox->requests(provider => 'btse') }),
	'BUY 1 SELL 2', '... each has arguments of its own');

# So many more requests are at the provider, which does not answer them.
my $hanging = 0;

sub hangs
{
	my ($more, $name) = @_;

	$hanging += $more;
	return ok($sandbox->wait_for(fault => 'black_hole', count => $hanging), $name);
}

# ----
# J1: a mark is committed before the first byte leaves; J2: and what came back
# before anybody is told
# ----

$test->seed('xt', 41 .. 43);
$sandbox->arm('black_hole', provider => 'xt', match_id => 42);
$id = submit('xt', [ 41 .. 43 ]);
hangs(1, 'a request is at the provider');
is(marks($id), '{1,2,3}', 'others see its mark');
is_deeply([ @{ call($id) }{qw(state cancelled)} ], [ 'sending', 0 ], '... and that it is sent');
$test->wait_until(sub { worker()->{in_flight} == 1 }, '... as the worker shows');
$sandbox->disarm;
is(outcomes($id), '41:unknown 42:unknown 43:unknown', 'it is given up');

$test->node->append_conf('postgresql.conf', "order_gateway.notify_channel = 'gateway'");
$test->node->reload;
$session->query('LISTEN gateway');
my @submitted;
my @told;
# As many as that takes: of numbers that no other has.
$test->seed('xt', 5001);
$test->wait_until(sub {
	# One that was done before the worker had read its settings is not told of.
	push @submitted, submit('xt', [ 5001 + @submitted ]) if !@submitted || is_done($submitted[-1]);
	push @told, map { /"gateway" with payload "(\d+)"/ } @{ $session->query('SELECT 1')->{lines} };
	($id) = @told;
	return defined $id;
}, 'who listens is told which call is done');
ok((grep { $_ == $id } @submitted), '... of those that were submitted');
ok(is_done($id), '... when it is');
$session->query('UNLISTEN *');

# ----
# Order, and who waits for whom
# ----

$test->own_server('xt', 'xt_one', max_in_flight => 1);
$sandbox->settings(accept_any_id => 'on');
$session->query('BEGIN');
my @calls = map { submit('xt', [$_], server => 'xt_one') } 101 .. 120;
$session->query('COMMIT');
is(scalar(grep { outcomes($_) =~ /cancelled/ } @calls), 20, 'calls of one transaction');
is(join(' ', map { @{ $_->{ids} } } grep { $_->{ids}[0] =~ /^1\d\d$/ } @{ $sandbox->requests(provider => 'xt') }),
	join(' ', 101 .. 120), '... begin in the order in which they were submitted');

# One who never answers holds up nobody but those behind him.
$test->own_server('xt', 'xt_mute', max_in_flight => 2);
$sandbox->arm('black_hole', provider => 'xt', match_id => $_) foreach 201, 202;
my @mute = map { submit('xt', [$_], server => 'xt_mute') } 201 .. 204;
hangs(2, 'two requests hang');
is(outcomes(submit('xt', [205])), '205:cancelled', '... others do not wait for them');
is(outcomes(submit('btse', [206])), '206:cancelled', '... at whatever provider');
is(marks($mute[2]), '', '... and no more than max_in_flight of them leave');
$sandbox->disarm;
is(outcomes($mute[$_]), 201 + $_ . ':unknown', '... until these end') foreach 0, 1;
is(outcomes($mute[$_]), 201 + $_ . ':cancelled', '... and then they do') foreach 2, 3;

# ----
# Time
# ----

$id = submit('xt', [301], not_before => "now() + interval '1.5 s'");
is($other->value("SELECT state = 'queued' OR now() >= not_before FROM order_gateway_calls WHERE call_id = $id"),
	't', 'what is to wait waits');
is(outcomes($id), '301:cancelled', '... and is sent then');
cmp_ok($other->value("SELECT first_sent_at - not_before FROM order_gateway_calls WHERE call_id = $id"),
	'ge', '00:00:00', '... not before');

$test->own_server('xt', 'xt_full', max_in_flight => 1);
$sandbox->arm('black_hole', provider => 'xt', match_id => 311);
my $first = submit('xt', [311], server => 'xt_full');
hangs(1, 'an account is busy');
my @late = map { submit('xt', [$_], server => 'xt_full', expires_at => "now() + interval '1 s'") } 312 .. 330;
like(results($_)->[0]{message}, qr/^it had expired before it could be sent/,
	"what has expired is not sent ($_)") foreach @late[ 0, 1, 5, 18 ];
is(scalar(grep { outcomes($_) =~ /not_sent/ } @late), 19, '... none of it');
is(marks($late[0]), '', '... nor marked');

# ----
# Withdrawal
# ----

my @taken_back = map { submit('xt', [$_], server => 'xt_full') } 341 .. 350;
is($session->value("SELECT order_gateway_withdraw($_)"), 1, 'a call is withdrawn')
  foreach @taken_back[ 0, 9 ];
is(results($taken_back[9])->[0]{message}, 'it was withdrawn before it could be sent',
	'... and not sent');
$id = submit('xt', [360], not_before => "now() + interval '1 day'", expires_at => "'infinity'");
$session->value("SELECT order_gateway_withdraw($id)");
is(outcomes($id), '360:not_sent', 'so is one whose time never comes');

# Whoever withdraws and has not committed holds the call back. (It cannot be marked
# before that.)
$test->seed('xt', 361);
my $holder = $test->session;
$holder->query('BEGIN; LOCK TABLE order_gateway_journal_mark IN SHARE MODE');
my $held = submit('xt', [361], session => $other);
$session->query('BEGIN');
is($session->value("SELECT order_gateway_withdraw($held)"), 1, 'a call is about to be withdrawn');
$holder->query('COMMIT');
submit('btse', [362], session => $other);
$test->wait_until(sub { arrivals('btse', 362) }, '... a later one has left');
is(arrivals('xt', 361), 0, '... and it has not');
$session->query('ROLLBACK');
is(outcomes($held), '361:cancelled', '... and is sent when it is not');
$sandbox->disarm;
is(outcomes($first), '311:unknown', 'the busy one ends');
is(scalar(grep { outcomes($_) =~ /cancelled/ } @taken_back), 8, 'what was not withdrawn is sent');

# ----
# What cannot be sent is tried again until it expires
# ----

$test->servers('down', providers => ['xt'], kind => 'refused');
my @down = map { submit('xt', [$_], server => 'xt_down') } 401 .. 430;
$test->wait_until(sub { (worker()->{last_error} // '') =~ /connect/ }, 'the worker tells of an outage');
is(outcomes(submit('xt', [440])), '440:cancelled', '... others go on');
foreach (1 .. 50)
{
	# which concerns nobody here
	$session->query(q{CREATE OR REPLACE FUNCTION busy() RETURNS int LANGUAGE sql AS 'SELECT 1'});
	sleep(0.05);
}
is(scalar(grep { is_done($_) } @down), 0, '... its calls wait');
my $up = $sandbox->base_url('xt');
$session->query("ALTER SERVER xt_down OPTIONS (SET base_url '$up')");
is(scalar(grep { outcomes($_) =~ /cancelled/ } @down), 30, '... until they can be sent');
is(scalar(grep { arrivals('xt', $_) != 1 } 401 .. 430), 0, '... once each');
cmp_ok($other->value('SELECT sum(attempts) - 30 FROM order_gateway_results WHERE call_id IN ('
		  . join(',', @down) . ')'), '<', 20, '... and an outage does not cost an attempt of each, nor one for each change in the catalog');

my %in_trouble = (refused => qr/connect/, expired => qr/certificate|TLS/, mute => qr/TLS|connection/);
foreach my $kind (sort keys %in_trouble)
{
	$test->servers($kind, providers => ['tronsave'], kind => $kind, connect_timeout => '1s');
	my $row = results(submit('tronsave', [ 451, 452 ], server => "tronsave_$kind",
		expires_at => "now() + interval '2 s'"))->[1];

	is($row->{outcome}, 'not_sent', "nothing is sent to one that is $kind");
	like($row->{message}, qr/^it had expired before it could be sent: .*$in_trouble{$kind}/,
		'... and why is told');
}

# "Too frequent" is no verdict as long as it may be asked again.
$test->own_server('btse', 'btse_busy', retries => 0, max_in_flight => 2);
$sandbox->arm('status', provider => 'btse', match_id => 461, status => 429, times => 3);
$id = submit('btse', [ 461, 462 ], server => 'btse_busy');
is(outcomes($id), '461:cancelled 462:cancelled', 'what came too early is sent again');
like(marks($id), qr/\{1\} .*\{1\}! .*\{1\}/, '... with another mark');
$sandbox->arm('status', provider => 'btse', match_id => 463, status => 429, times => 0);
$id = submit('btse', [463], server => 'btse_busy', expires_at => "now() + interval '2 s'");
my ($busy) = @{ results($id) };
is("$busy->{outcome} $busy->{http_status}", 'rejected 429', '... and has the last verdict when it expires');
$sandbox->disarm;

# A nonce that was overtaken is no verdict either; from then on one goes after the
# other.
$sandbox->arm('nonce_order', provider => 'xt', times => 0);
$test->own_server('xt', 'xt_nonces', retries => 0, max_in_flight => 8);
$session->query('BEGIN');
my @nonces = map { submit('xt', [$_], server => 'xt_nonces') } 471 .. 490;
$session->query('COMMIT');
is(scalar(grep { outcomes($_) =~ /cancelled/ } @nonces), 20, 'nonces that are overtaken');
$sandbox->disarm;

# ----
# J6: one bad call ends as not sent, with the reason, and touches no other
# ----

$session->query(<<'END');
CREATE ROLE trader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO trader;
GRANT USAGE ON FOREIGN SERVER xt, btse TO trader;
CREATE ROLE leaver;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO leaver;
GRANT USAGE ON FOREIGN SERVER xt TO leaver;
END

foreach my $role ([ 'trader', 'xt' ], [ 'trader', 'btse' ], [ 'leaver', 'xt' ])
{
	my $credentials = $sandbox->credentials($role->[1]);
	my $options = join ', ', map { "$_ '$credentials->{$_}'" } sort keys %$credentials;

	$session->query("CREATE USER MAPPING FOR $role->[0] SERVER $role->[1] OPTIONS ($options)");
}

# Submit as a role, do something before it can be sent, and see what becomes of it.
sub becomes
{
	my ($role, $provider, $order, %opts) = @_;
	my ($between, $after) = @opts{qw(between after)};

	$session->query('BEGIN');
	$session->query("SET ROLE $role") if $role;
	my $call = submit($provider, [$order], %opts);
	$session->query('RESET ROLE');
	my $done = $session->query($between);
	BAIL_OUT("$between: $done->{stderr}") if defined $done->{sqlstate};
	$session->query('COMMIT');
	my ($row) = @{ results($call) };
	$session->query($after) if $after;
	return "$row->{outcome} " . ($row->{message} // '');
}

is(becomes('trader', 'btse', 501, between => 'SELECT 1') =~ s/ .*//r, 'cancelled',
	'a role sends what it may');
is(becomes('trader', 'xt', 502, between => 'REVOKE USAGE ON FOREIGN SERVER xt FROM trader',
		after => 'GRANT USAGE ON FOREIGN SERVER xt TO trader'),
	'not_sent permission denied for foreign server xt', 'a right to the server that was lost');
like(becomes('trader', 'xt', 503,
		between => 'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM trader',
		after => 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO trader'),
	qr/^not_sent permission denied for function batch_cancel_submit/, 'a right to the function');
is(becomes('trader', 'xt', 504, between => 'DROP USER MAPPING FOR trader SERVER xt'),
	'not_sent user mapping for trader on server "xt" does not exist', 'a mapping that is gone');
is(becomes('leaver', 'xt', 506, between => 'ALTER ROLE leaver RENAME TO changed') =~ s/ .*//r,
	'cancelled', 'a role that was renamed is the same');
is(becomes('changed', 'xt', 507,
		between => 'DROP USER MAPPING FOR changed SERVER xt; DROP OWNED BY changed; DROP ROLE changed'),
	'not_sent role "changed" does not exist any more', 'a role that is gone');

$test->servers('brief', providers => ['xt']);
is(becomes(undef, 'xt', 511, server => 'xt_brief', between => 'ALTER SERVER xt_brief RENAME TO xt_long')
	  =~ s/ .*//r, 'cancelled', 'a server that was renamed is the same');
is(becomes(undef, 'xt', 512, server => 'xt_long', between => 'DROP SERVER xt_long CASCADE'),
	'not_sent server "xt_long" does not exist any more', 'a server that is gone');
$test->servers('twice', providers => ['xt']);
my $again = $sandbox->server_sql('xt', name => 'xt_twice') . $sandbox->mapping_sql('xt', name => 'xt_twice');
is(becomes(undef, 'xt', 513, server => 'xt_twice', between => "DROP SERVER xt_twice CASCADE; $again"),
	'not_sent server "xt_twice" does not exist any more', '... though another one has its name');
is(call($session->value('SELECT max(call_id) FROM order_gateway_calls'))->{note},
	'server "xt_twice" does not exist any more', '... as its call says, too');
is(outcomes(submit('xt', [520])), '520:cancelled', 'no other call is touched');

# ----
# What is in the worker's own way
# ----

# Nothing leaves whose mark cannot be written; what was answered is not lost.
sub locked
{
	my ($table, $order) = @_;

	$sandbox->arm('black_hole', provider => 'xt', match_id => $order);
	my $call = submit('xt', [$order]);
	hangs(1, 'a request is out');
	$session->query("BEGIN; LOCK TABLE $table IN ACCESS EXCLUSIVE MODE");
	$sandbox->disarm;
	$test->wait_until(sub { worker()->{last_error} eq qq{table "$table" is locked} }, "$table is locked");
	$session->query('COMMIT');
	is(outcomes($call), "$order:unknown", '... and what became of it is written later');
	is(arrivals('xt', $order), 1, '... of the one request');
	return;
}

locked('order_gateway_journal_result', 601);
locked('order_gateway_journal_end', 602);

$session->query('BEGIN; LOCK TABLE order_gateway_journal_mark IN ACCESS EXCLUSIVE MODE');
$id = submit('xt', [611], session => $other);
sleep(2);
is(arrivals('xt', 611), 0, 'nothing leaves without its mark');
$session->query('COMMIT');
is(outcomes($id), '611:cancelled', '... and does with it');

# What a standby has to have leaves when that has it, and nobody waits in COMMIT.
$session->query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
$test->node->reload;
$test->wait_until(sub { $other->value('SHOW synchronous_standby_names') eq 'nobody' }, 'a standby is asked for');
$session->query('SET synchronous_commit = local');
$id = submit('xt', [615]);
$test->wait_until(sub { worker()->{waiting_for_standby} eq 'true' || worker()->{waiting_for_standby} == 1 },
	'... and waited for');
$test->wait_until(sub { marks($id) eq '{1}' }, '... with a mark');
is(arrivals('xt', 615), 0, '... that it does not have');
$session->query('ALTER SYSTEM RESET synchronous_standby_names');
$test->node->reload;
is(outcomes($id), '615:cancelled', '... so nothing leaves before');

# What is set for the database does not reach it.
$session->query("ALTER DATABASE postgres SET $_") foreach
  'synchronous_commit = off', 'default_transaction_read_only = on', "statement_timeout = '1ms'",
  "default_transaction_isolation = 'serializable'", 'search_path = nowhere';
my $pid = worker()->{pid};
$other->query("SELECT pg_terminate_backend($pid)");
$test->wait_until(sub { (worker()->{pid} // $pid) != $pid }, 'another worker');
is(outcomes(submit('xt', [621])), '621:cancelled', 'settings of the database do not reach it');
$session->query("ALTER DATABASE postgres RESET ALL");

# ----
# J3: what was marked and not answered when all ended is unknown, and not sent
# again; what was not goes on
# ----

$sandbox->arm('black_hole', provider => 'xt', match_id => 632);
$test->own_server('xt', 'xt_dies', max_in_flight => 1, batch_size => 2);
$id = submit('xt', [ 631 .. 634 ], server => 'xt_dies');
my $next = submit('xt', [ 635 ], server => 'xt_dies');
hangs(1, 'a request is out');
$pid = worker()->{pid};
$other->query("SELECT pg_terminate_backend($pid)");
is(outcomes($id), '631:unknown 632:unknown 633:cancelled 634:cancelled', 'what was out is unknown, and the rest goes on');
is(outcomes($next), '635:cancelled', '... and what comes after it');
is(join(' ', map { arrivals('xt', $_) } 631 .. 635), '1 1 1 1 1', '... each once');
$sandbox->disarm;

# ----
# A long list
# ----

$test->own_server('xt', 'xt_big', max_in_flight => 8);
$id = submit('xt', '(SELECT array_agg(i::text) FROM generate_series(100001, 120000) AS i)', server => 'xt_big');
$session->query("SELECT count(*) FROM order_gateway_wait($id, '2 min')");
is_deeply([ @{ call($id) }{qw(state cancelled unknown not_sent)} ], [ 'done', 20000, 0, 0 ],
	'20,000 orders of one call');
is($other->value("SELECT count(DISTINCT ordinal) FROM order_gateway_results WHERE call_id = $id"),
	20000, '... have a row each');
is($other->value("SELECT count(*) FROM order_gateway_journal_mark WHERE call_id = $id"),
	200, '... and a mark of each request');

# ----
# Many calls
# ----

$test->own_server('xt', 'xt_many', max_in_flight => 32);
$session->query('SELECT ' . submit_sql('xt', 'ARRAY[(300000 + i)::text]', server => 'xt_many')
	  . ' FROM generate_series(1, 2000) AS i');
$session->query("SELECT order_gateway_wait(max(call_id), '5 min') FROM order_gateway_calls WHERE server = 'xt_many'");
$test->wait_until(sub {
	$other->value("SELECT count(*) FROM order_gateway_calls WHERE server = 'xt_many' AND state = 'done'") == 2000;
}, '2,000 calls of one statement are done');

is($other->value(q{SELECT count(*) FROM order_gateway_results WHERE outcome = 'cancelled'
	AND call_id IN (SELECT call_id FROM order_gateway_calls WHERE server = 'xt_many')}),
	2000, '... each with its order');
is_deeply([ @{ worker() }{qw(queued in_flight)} ], [ 0, 0 ], 'nothing is left')
  if $test->wait_until(sub { worker()->{queued} == 0 && worker()->{in_flight} == 0 }, 'all is done');

# ----
# J7: rows of the journal are only added on the way of a call, so a transaction
# that somebody holds open keeps none of them from being removed later, and no
# look has to step over what is dead
# ----

$test->wait_until(sub {
	$other->value("SELECT sum(n_tup_ins) >= 4000 FROM pg_stat_user_tables WHERE relname LIKE 'order_gateway_journal%'") eq 't';
}, 'rows of calls are counted');
is($other->value("SELECT sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname LIKE 'order_gateway_journal%'"),
	0, '... and none was changed or removed');

# ----
# J8: the journal has no secret, and what it has of the provider is JSON
# ----

my $words = join ' UNION ALL ', map { "SELECT j::text AS words FROM order_gateway_journal_$_ AS j" }
  qw(call reference withdrawal mark result end);
my $options = 'SELECT (option).option_value AS secret FROM'
  . ' (SELECT pg_options_to_table(umoptions) AS option FROM pg_user_mappings) AS o'
  . q{ WHERE (option).option_name NOT IN ('sid')};

cmp_ok($session->value("SELECT count(*) FROM ($options) AS s"), '>', 3, 'there are secrets');
is($session->value("SELECT count(*) FROM ($words) AS w JOIN ($options) AS s ON strpos(w.words, s.secret) > 0"),
	0, '... of which the journal has none');
is($session->value('SELECT count(*) FROM order_gateway_results WHERE response IS NOT NULL'
	  . ' AND response::text::jsonb IS NULL'), 0, '... and what providers answered can be read');

# ----
# J5: nothing is sent twice, but what was provably not processed
# ----

my %processed;
$processed{"$_->{provider} $_->{id}"}++ foreach map { my $r = $_; map { { provider => $r->{provider}, id => $_ } } @{ $r->{ids} // [] } }
  grep { $_->{processed} } map { @{ $sandbox->requests(provider => $_) } } $sandbox->providers;
is(join(' ', grep { $processed{$_} > 1 } sort keys %processed), '', 'no order was sent twice');

done_testing();
