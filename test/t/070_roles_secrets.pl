# Who may call, and what nobody gets to see.
#
# Roles are tried over connections of their own.  For secrets, everything is
# called that can go right or wrong, by accounts whose keys are spelled so that
# they can be searched for, in whatever form, wherever people can read.

use strict;
use warnings;
use utf8;

use Encode ();
use File::Find ();
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use OrderGateway::Test qw(call_sql letters sql_text);

# PostgreSQL itself may log statements, and so the keys in CREATE USER MAPPING;
# that is not what this is about.
my $test = OrderGateway::Test->start(
	options => { rate_limit => 'off', retries => 1, connect_timeout => '5s' },
	conf => q{
		log_min_messages = debug5
		log_statement = none
		log_duration = off
		log_min_duration_statement = -1
		log_min_error_statement = panic
		log_error_verbosity = verbose
		log_parser_stats = off
		client_min_messages = debug5
	});
my $node = $test->node;
my $sandbox = $test->sandbox;
my @providers = $sandbox->providers;

# ----
# Roles
# ----

# Accounts at the provider, told apart by their keys.
sub add_account
{
	my ($key) = @_;

	return $sandbox->add_account('xt',
		{ access_key => $key, secret_key => "$key-secret" });
}
add_account($_) foreach qw(key-of-clerk key-of-owner);

$node->safe_psql('postgres', q{
	CREATE ROLE clerk LOGIN;
	CREATE ROLE owner LOGIN;
	GRANT CREATE ON SCHEMA public TO owner;
});
my $clerk = $test->session(user => 'clerk');
my $owner = $test->session(user => 'owner');
my $superuser = $test->session;

# One account's orders are not another's.
$sandbox->seed('xt', market => 'btc_usdt', ids => ['1'], account => 'key-of-clerk');
$sandbox->seed('xt', market => 'btc_usdt', ids => [ '2', '3' ], account => 'key-of-owner');
$sandbox->seed('xt', market => 'btc_usdt', ids => ['5'], account => 'key-of-clerk');

sub xt { return 'SELECT outcome FROM ' . call_sql('xt', [ $_[0] ]); }

# The key that the last request was made with.
sub last_key { return $sandbox->requests(last => 1)->[0]{account}; }

is($clerk->error(xt(1)), '42501', 'no function is for everybody');
$superuser->query('GRANT EXECUTE ON FUNCTION batch_cancel,'
	  . ' batch_cancel_preview TO clerk, owner');
is($clerk->error(xt(1)), '42501', 'who may call needs USAGE on the server');
$superuser->query('GRANT USAGE ON FOREIGN SERVER xt TO clerk, owner');
is($clerk->error(xt(1)), '42704',
	"who may use the server needs a user mapping: the superuser's is not his");
is_deeply($sandbox->requests, [], 'nothing was sent');

foreach my $role (qw(clerk owner))
{
	$superuser->query("CREATE USER MAPPING FOR $role SERVER xt OPTIONS"
		  . " (access_key 'key-of-$role', secret_key 'key-of-$role-secret')");
}
is_deeply($clerk->query(xt(1))->{lines}, ['cancelled'], 'his own will do');
is(last_key(), 'key-of-clerk', '... and is what is used');
is_deeply($owner->query(xt(2))->{lines}, ['cancelled'],
	'somebody else uses somebody else\'s');
is(last_key(), 'key-of-owner', '... and is told apart');

# A function that lends an account.
$superuser->query('DROP USER MAPPING FOR clerk SERVER xt');
$superuser->query('REVOKE ALL ON FUNCTION batch_cancel, batch_cancel_preview FROM clerk');
$owner->query(q{
	CREATE FUNCTION cancel_stale(ids text[]) RETURNS SETOF text
	LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
	AS $$ SELECT outcome::text FROM batch_cancel('btc_usdt', ids) $$;
});
is_deeply($clerk->query(q{SELECT * FROM cancel_stale('{3}')})->{lines},
	['cancelled'], 'an account can be lent');
is(last_key(), 'key-of-owner', '... by its owner');
is($clerk->error(xt(4)), '42501', '... for that function only');

# What the borrower can find out.
my @views = (
	q{SELECT umoptions::text FROM pg_user_mappings},
	q{SELECT option_value FROM information_schema.user_mapping_options},
	q{SELECT srvoptions::text FROM pg_foreign_server},
	q{SELECT pg_get_functiondef('cancel_stale'::regproc)},
	q{SELECT name || ' ' || setting FROM pg_settings},
);
foreach my $view (@views)
{
	my $result = $clerk->query($view);

	unlike(join("\n", @{ $result->{lines} }), qr/key-of-/,
		"no key in: $view");
}
is($clerk->error('SELECT umoptions FROM pg_user_mapping'), '42501',
	'the catalog itself is not readable');
is_deeply(
	$owner->query(q{SELECT unnest(umoptions) FROM pg_user_mappings
		WHERE usename = 'owner'})->{lines},
	[ 'access_key=key-of-owner', 'secret_key=key-of-owner-secret' ],
	'PostgreSQL shows a mapping to its own role');

# Plain HTTP is for superusers to allow, and then for whoever may use it.
my $plain = $sandbox->base_url('xt', kind => 'plain');
my $secure = $sandbox->base_url('xt');
my $create = 'CREATE SERVER clerks FOREIGN DATA WRAPPER xt_fdw OPTIONS';
is($clerk->error("$create (base_url '$secure')"), '42501',
	'a wrapper is not for everybody');
$superuser->query('GRANT USAGE ON FOREIGN DATA WRAPPER xt_fdw TO clerk');
is($clerk->error("$create (base_url '$plain')"), '22023',
	'plain HTTP has to be allowed');
is($clerk->error("$create (base_url '$plain', allow_http 'true')"), '42501',
	'... which is not for everybody');
is($clerk->error("$create (base_url '$secure', allow_http 'yes')"), '42501',
	'... in whatever words');
is($clerk->error("$create (base_url '$secure')"), 'none',
	'a server of his own');
is($clerk->error("ALTER SERVER clerks OPTIONS (ADD allow_http 'on')"), '42501',
	'... does not help');
$superuser->query("ALTER SERVER clerks OPTIONS (ADD allow_http 'true',"
	  . " SET base_url '$plain', ADD rate_limit 'off')");
is($clerk->error("ALTER SERVER clerks OPTIONS (SET base_url 'http://localhost:1')"),
	'42501', 'one that was allowed for him stays as it was allowed');
$superuser->query('GRANT EXECUTE ON FUNCTION batch_cancel TO clerk');
$clerk->query(q{CREATE USER MAPPING FOR CURRENT_USER SERVER clerks OPTIONS
	(access_key 'key-of-clerk', secret_key 'key-of-clerk-secret')});
is_deeply(
	$clerk->query('SELECT outcome FROM '
		  . call_sql('xt', [5], server => 'clerks'))->{lines},
	['cancelled'], '... and he may use it');

# ----
# Secrets
# ----

# All that a mapping holds.  What only names an account may show in previews;
# sid is the one value that may show elsewhere.
my %values = (
	xt => {
		access_key => 'Xt-Acc3ss&Key/Aa1+',
		secret_key => 'Xt-S3cret=Key/Bb2+ä',
	},
	tronsave => { api_key => 'Tr0n-Api/Key+Cc3=&"d' },
	btse => {
		api_key => 'Btse-Api-K3y/Dd4+',
		secret_key => 'Btse-S3cret&Key/Ee5=ü',
	},
	wangdian => {
		sid => 'wdt-sid-ff6',
		app_key => 'Wdt-App-K3y/Gg7',
		app_secret => 'Wdt-S3cret/Hh8+:Wdt-Sa1t/Ii9&',
	},
);
my @names = ($values{xt}{access_key}, $values{btse}{api_key},
	$values{wangdian}{app_key});
my @secrets = (
	$values{xt}{secret_key}, $values{tronsave}{api_key},
	$values{btse}{secret_key}, split(/:/, $values{wangdian}{app_secret}));

# Each in the forms in which it could turn up: as it is, escaped for JSON, a
# URL or SQL, in hex, and in base64, at any of three places in a longer text.
sub forms
{
	my ($value) = @_;
	my $bytes = Encode::encode('UTF-8', $value);
	my $url = $bytes =~ s/([^A-Za-z0-9._~-])/sprintf('%%%02X', ord $1)/ger;
	my %forms;

	$forms{$_} = 1
	  foreach $bytes, $url, lc $url, $url =~ s/%20/+/gr, unpack('H*', $bytes),
	  uc unpack('H*', $bytes), $bytes =~ s/(["\\\/])/\\$1/gr,
	  $bytes =~ s/"/\\"/gr, scalar reverse($bytes);
	foreach my $before (0 .. 2)
	{
		# without the letters that its neighbours have a part in
		my $text = encode_base64(('x' x $before) . $bytes, '');
		my $first = (0, 2, 3)[$before];
		my $last = 4 * int((length($bytes) + $before) / 3);

		$text = substr $text, $first, $last - $first;
		$forms{$text} = 1;
		$forms{ $text =~ tr{+/}{-_}r } = 1;
	}
	return keys %forms;
}

# What of these values is found in some bytes.
sub found
{
	my ($bytes, @values) = @_;

	return [
		grep {
			my $value = $_;
			grep { index($bytes, $_) >= 0 } forms($value)
		} @values
	];
}

is_deeply(found('x' . encode_base64("abc$secrets[1]def", ''), @secrets),
	[ $secrets[1] ], 'the search finds what is there');

foreach my $provider (@providers)
{
	$sandbox->add_account($provider, $values{$provider});
}

# A server for each way to fail, with the mapping above.
my %servers = (
	good => {},
	expired => { kind => 'expired' },
	foreign => { kind => 'foreign' },
	misnamed => { kind => 'misnamed' },
	mute => { kind => 'mute', connect_timeout => '100ms', retries => 0 },
	plain => { kind => 'plain' },
	refused => { base_url => 'https://localhost:1/api', retries => 0 },
	nowhere => { base_url => 'https://nowhere.invalid', retries => 0,
		connect_timeout => '2s' },
	no_ca => { sslrootcert => '/no/such/file' },
	hasty => { timeout => '200ms' },
	tiny => { max_response_size => '1kB' },
);
foreach my $provider (@providers)
{
	foreach my $suffix (sort keys %servers)
	{
		my %options = (rate_limit => 'off', %{ $servers{$suffix} });
		my $name = "${provider}_$suffix";

		$node->safe_psql('postgres',
			Encode::encode('UTF-8',
				$sandbox->server_sql($provider, name => $name, %options)
				  . $sandbox->mapping_sql($provider, name => $name,
					%{ $values{$provider} })));
	}
}

# From here on all is listened to.
my $log_from = $test->log_end;
my $session = $test->session;
my $said = '';		# errors, warnings, debug messages
my $answered = '';	# rows
my $calls = 0;

sub listen_to
{
	my ($result) = @_;

	$said .= $result->{stderr};
	$answered .= join "\n", @{ $result->{lines} };
	return $result;
}

sub query { return listen_to($session->query($_[0])); }

sub try_call
{
	my ($provider, $server, @ids) = @_;

	$calls++;
	return query('SELECT * FROM '
		  . call_sql($provider, \@ids, server => "${provider}_$server"));
}

my $next_id = 1000;
my %market = (xt => 'btc_usdt', btse => 'BTC-USD');
my %key = (
	xt => 'access_key',
	tronsave => 'api_key',
	btse => 'api_key',
	wangdian => 'app_key');

sub new_ids
{
	my ($provider, $count) = @_;
	my @ids = ($next_id .. $next_id + $count - 1);

	$next_id += $count;
	$sandbox->seed($provider, ids => \@ids, account => $values{$provider}{ $key{$provider} },
		defined $market{$provider} ? (market => $market{$provider}) : ());
	return @ids;
}

query('SET client_min_messages = debug5');
foreach my $provider (@providers)
{
	my $result = try_call($provider, 'good', new_ids($provider, 3));

	is(scalar(grep { /\|cancelled\|/ } @{ $result->{lines} }), 3,
		"$provider: the account is good");
	try_call($provider, $_, new_ids($provider, 2)) foreach sort keys %servers;
}

# What a provider may do, one call each.
my @faults = (
	['close_after'], ['close_before'], ['reset_after'], ['half_answer'],
	['half_head'], ['garbage'], ['not_json'], ['html'], ['empty'],
	['truncated_json'], ['invalid_utf8'], ['duplicate_keys'], ['http_500'],
	[ 'status', status => 401 ], [ 'status', status => 403 ], ['http_408'],
	[ 'retry_after', seconds => 0 ], ['redirect'], ['extra_rows'],
	['gzip'], ['envelope'], ['undefined_envelope'], ['swapped_top'],
	['wrong_types'], ['oversize'],
);
foreach my $provider (@providers)
{
	foreach my $fault (@faults)
	{
		my ($name, @args) = @$fault;

		$sandbox->arm($name, provider => $provider, @args);
		try_call($provider, 'good', new_ids($provider, 2));
		$sandbox->disarm;
	}
	$sandbox->arm('black_hole', provider => $provider);
	try_call($provider, 'hasty', new_ids($provider, 1));
	$sandbox->disarm;
}

# A provider that repeats what it was sent tells only the caller.
$sandbox->arm('envelope', provider => 'tronsave',
	message => "no such key: $values{tronsave}{api_key}");
$answered = '';
try_call('tronsave', 'good', new_ids('tronsave', 1));
is_deeply(found(Encode::encode('UTF-8', $answered), $values{tronsave}{api_key}),
	[ $values{tronsave}{api_key} ], 'the words of a provider are its own');
$answered = '';

# Statements that fail: before, during and after a call.
foreach my $provider (@providers)
{
	my $function = call_sql($provider, ['x y '], server => "${provider}_good");

	query("SELECT * FROM $function");
	query('SELECT 1 / (ordinal - 1) FROM '
		  . call_sql($provider, [ new_ids($provider, 2) ],
			server => "${provider}_good"));
	query('SET statement_timeout = 200');
	$sandbox->arm('black_hole', provider => $provider);
	try_call($provider, 'good', new_ids($provider, 2));
	$sandbox->disarm;
	query('RESET statement_timeout');
	query("ALTER USER MAPPING FOR CURRENT_USER SERVER ${provider}_good"
		  . ' OPTIONS (ADD nonsense ' . sql_text($secrets[0]) . ')');
	query("ALTER SERVER ${provider}_good OPTIONS (ADD base_url "
		  . sql_text("https://me:$secrets[3]\@example.com") . ')');
	query("ALTER SERVER ${provider}_good OPTIONS (SET base_url "
		  . sql_text("https://me:$secrets[3]\@example.com") . ')');
}
# a value that is refused
query("ALTER USER MAPPING FOR CURRENT_USER SERVER xt_good OPTIONS (SET secret_key E'"
	  . "$values{xt}{secret_key}\\n')");
query('ALTER USER MAPPING FOR CURRENT_USER SERVER wangdian_good OPTIONS'
	  . " (SET app_secret '$secrets[3]')");
query('ALTER USER MAPPING FOR CURRENT_USER SERVER tronsave_good OPTIONS'
	  . ' (SET api_key ' . sql_text($values{tronsave}{api_key} x 60) . ')');

# While a call is under way.  (PostgreSQL shows what a session said last.)
query('SELECT 1');
$sandbox->reset;
$sandbox->arm('black_hole', provider => $_) foreach @providers;
my @held = map {
	my $held = $test->session;

	$held->send('SELECT * FROM '
		  . call_sql($_, [ new_ids($_, 1) ], server => "${_}_good"));
	$held;
} @providers;
$sandbox->wait_for(fault => 'black_hole', count => scalar @providers)
  or die 'the calls were not held';
my $activity = join "\n",
  @{ $superuser->query('SELECT row_to_json(a) FROM pg_stat_activity a')->{lines} },
  @{ $superuser->query('SELECT row_to_json(l) FROM pg_locks l')->{lines} };
my $views = join "\n", map {
	@{ $superuser->query("SELECT row_to_json(v) FROM order_gateway_$_ v")->{lines} }
} qw(activity stats limits);

foreach my $provider (@providers)
{
	my $rows = () = $views =~ /"${provider}_good"/g;

	cmp_ok($rows, '>=', 3, "views show $provider");
}
$activity .= $views;
my $titles = '';
foreach my $held (@held)
{
	foreach my $file (qw(cmdline environ))
	{
		$titles .= PostgreSQL::Test::Utils::slurp_file("/proc/$held->{pid}/$file");
	}
}
like($activity, qr/tronsave_good/, 'the calls can be seen');
is_deeply(found(Encode::encode('UTF-8', $activity), @secrets, @names), [],
	'no value of a mapping in pg_stat_activity, pg_locks and views');
is_deeply(found($titles, @secrets, @names), [],
	'... nor in the titles of processes');
$sandbox->disarm;
listen_to($_->finish) foreach @held;

# A preview shows what names an account, and no secret.
my $previews = '';
foreach my $provider (@providers)
{
	my $call = call_sql($provider, [ 'a', 'b' ], server => "${provider}_good")
	  =~ s/\(/_preview(/r =~ s/'a','b'/'1','2'/r;

	$previews .= join "\n",
	  @{ $session->query("SELECT * FROM $call")->{lines} };
}
$previews = Encode::encode('UTF-8', $previews);
is_deeply(found($previews, @secrets), [], 'no secret in previews');
is_deeply(found($previews, @names), \@names, '... but whose they are');

# Nothing of that was said, logged or kept.
cmp_ok($calls, '>', 100, 'enough was called');
my $log = $test->log_from($log_from);
$said = Encode::encode('UTF-8', $said);
like($log, qr/DEBUG: /, 'the log has all');
like($log, qr/LOG: .* order_gateway: .* batch 1: /, '... and what was sent in vain') if !$test->by_worker;
like($said, qr/DEBUG: /, 'so has the client');
is_deeply(found($log, @secrets, @names), [], 'no value of a mapping in the log');
is_deeply(found($said, @secrets, @names), [], '... nor in messages to the client');
is_deeply(found(Encode::encode('UTF-8', $answered), @secrets, @names), [],
	'... nor in rows');

# What a worker wrote down.
if ($test->by_worker)
{
	my $kept = join "\n", map { @{ $superuser->query("SELECT j::text FROM $_ AS j")->{lines} } }
	  map { "order_gateway_journal_$_" } qw(call mark result end);

	like($kept, qr/batch_cancel/, 'the journal has calls');
	is_deeply(found(Encode::encode('UTF-8', $kept), @secrets, @names), [], '... and no value of a mapping');
}

# There are no files of ours but statistics, over a restart.
$_->quit foreach $superuser, $session;
$node->stop;
my $files = '';
File::Find::find(
	sub {
		return if !-f;
		$files .= "$_\n" . PostgreSQL::Test::Utils::slurp_file($_);
	},
	map { $node->data_dir . "/$_" } qw(pg_stat_tmp pg_stat pg_notify));
is_deeply([ glob($node->data_dir . '/pg_stat_tmp/order_gateway.*') ], [],
	'there are no files between calls');
is(-e $node->data_dir . '/pg_stat/order_gateway.stat' ? 1 : 0, $ENV{OG_PRELOAD} || $test->by_worker ? 1 : 0,
	'... nor over a restart, but for statistics');
is_deeply(found($files, @secrets, @names), [], 'no value of a mapping in them');

my @temporary = grep { -f } glob($node->data_dir . '/base/pgsql_tmp/*');
is_deeply(\@temporary, [], 'no temporary files are left');

done_testing();
