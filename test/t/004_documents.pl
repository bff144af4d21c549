# The documents hold together: README.md is short, every link leads somewhere, and
# every chapter is linked from it; what is generated is what the catalog says;
# the examples run; and whoever has a text of the extension finds it in docs/troubleshooting.md.

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8 encode_utf8);
use File::Basename qw(dirname);
use File::Find qw(find);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Documents;

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';
my $README_LINES = 200;

my $documents = OrderGateway::Documents->new;
my %text = map { $_ => $documents->chapter($_) } $documents->files;
my $sandbox = 'test/sandbox/README.md';

$text{$sandbox} = decode_utf8(slurp_file("$TOP/$sandbox"));

# ----
# Links
# ----

# A document without its blocks of code, and without code in its lines.
sub prose { return $_[0] =~ s/^([ \t]*)```.*?^\1```$//gmsr; }
sub without_code { return prose($_[0]) =~ s/`[^`\n]*`//gr; }

# The anchors of its headings, as they are made of their texts: the second of the
# same text has a number.
sub anchors
{
	my %count;

	return map {
		my $anchor = lc s/[^\w\- ]//gr =~ s/ /-/gr;
		$count{$anchor}++ ? "$anchor-" . ($count{$anchor} - 1) : $anchor;
	} prose($_[0]) =~ /^#+ (.*)$/mg;
}

# What a link of a document leads to: the name of the file, and the anchor.
sub target
{
	my ($from, $link) = @_;
	my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
	my @parts;

	return ($from, $anchor) if $path eq '';
	foreach (split m{/}, dirname($from) . "/$path")
	{
		if ($_ eq '..') { pop @parts; }
		elsif ($_ ne '.') { push @parts, $_; }
	}
	return (join('/', @parts), $anchor);
}

my %anchors_of = map { my $file = $_; $file => { map { $_ => 1 } anchors($text{$file}) } } keys %text;
my %linked;
my $count = 0;

foreach my $file (sort keys %text)
{
	my @lost;

	foreach my $link (without_code($text{$file}) =~ /\]\(([^)\s]+)\)/g)
	{
		next if $link =~ m{^https?://};
		my ($path, $anchor) = target($file, $link);

		$count++;
		$linked{$file}{$path} = 1;
		push @lost, $link
		  if !-e "$TOP/$path" || defined $anchor && !$anchors_of{$path}{$anchor};
	}
	is("@lost", '', encode_utf8("$file: every link leads somewhere"));
}
cmp_ok($count, '>', 150, 'many links were followed');
foreach my $file (grep { m{^docs/|^[A-Z]+\.md$} && $_ ne 'README.md' } sort keys %text)
{
	ok($linked{'README.md'}{$file}, "README.md links $file");
}
cmp_ok(($text{'README.md'} =~ tr/\n//), '<=', $README_LINES, "README.md has at most $README_LINES lines");

# ----
# What is generated
# ----

my $node = PostgreSQL::Test::Cluster->new('documents');

$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'order_gateway'\norder_gateway.databases = 'postgres'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION order_gateway');
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');
	my $output = '';

	IPC::Run::run([ "$TOP/src/document.pl", '--check', $TOP ], '<', \undef, '>', \$output, '2>&1');
	is($? >> 8, 0, 'what is generated is what catalog and fields say');
	is($output, '', '... and there is nothing to say of it');
}

# What a function is said to need is what it needs.
my $public = $node->safe_psql('postgres', q{SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc
	WHERE obj_description(oid, 'pg_proc') LIKE '%No user mapping is needed.%'});
$node->safe_psql('postgres', q{CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw
	OPTIONS (base_url 'https://127.0.0.1:1', retries '0', connect_timeout '1s')});
{
	my @without;

	foreach my $call (q{btse_market_summary()}, q{btse_ohlcv('M', 1)}, q{btse_orderbook('M')},
		q{btse_orderbook_l2('M')}, q{btse_price()}, q{btse_time()}, q{btse_trades('M')},
		q{btse_order('1')}, q{btse_open_orders()}, q{btse_trade_history('M')}, q{btse_fees()},
		q{btse_invest_products()}, q{btse_invest_orders()}, q{btse_invest_history()})
	{
		my (undef, undef, $error) = $node->psql('postgres', "SELECT FROM $call");

		push @without, $call =~ s/\(.*//r if $error =~ /could not be reached/;
		like($error, qr/could not be reached|user mapping for .* does not exist/, "$call fails as it should");
	}
	is($public, "@without", 'reads that need no user mapping say so');
}

# ----
# Examples, as the files that they are
# ----

sub run_example
{
	my ($database, $example) = @_;
	my ($output, $error) = ('', '');

	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database),
			'-f', "$TOP/examples/$example.sql" ], '<', \undef, '>', \$output, '2>', \$error);
	return ($? >> 8) . $error;
}

{
	my @examples = qw(tables cancel_stale_orders call_stale_orders cancel_by_trigger take_over_settled report grants lend_account
	  create_mapping watch);
	my @of_job = qw(job_tables job_cancel job_settle job_to_be_checked job_lend_account);
	my @made = grep { slurp_file("$TOP/examples/$_") =~ m{^/\* examples/} }
	  map { m{([^/]+)$} } glob "\"$TOP\"/examples/*.sql";

	# those of pg_cron are run by 081_job and 083_submitted
	is_deeply([ grep { !/pg_cron\.sql$/ } @made ], [ sort map { "$_.sql" } @examples, @of_job ], 'every example is tried');
	$node->safe_psql('postgres', 'CREATE ROLE clerk');
	$node->safe_psql('postgres', 'CREATE DATABASE job');
	$node->safe_psql('job', 'CREATE EXTENSION order_gateway');
	$node->safe_psql($_, q{
		CREATE SERVER xt FOREIGN DATA WRAPPER xt_fdw;
		CREATE SERVER tronsave FOREIGN DATA WRAPPER tronsave_fdw;
		CREATE SERVER wangdian FOREIGN DATA WRAPPER wangdian_fdw OPTIONS (allow_http 'true')}) foreach qw(postgres job);
	$node->safe_psql('job', 'CREATE SERVER btse FOREIGN DATA WRAPPER btse_fdw');
	local %ENV = (%ENV, XT_ACCESS_KEY => 'a', XT_SECRET_KEY => 'b');
	foreach my $example (@examples)
	{
		is(run_example('postgres', $example), '0', "examples/$example.sql runs");
		ok($linked{'docs/recipes.md'}{"examples/$example.sql"}, '... and docs/recipes.md links it');
	}

	# the role is there already
	$node->safe_psql('postgres', 'DROP OWNED BY order_desk; DROP ROLE order_desk');
	foreach my $example ('tables', @of_job)
	{
		is(run_example('job', $example), '0', "examples/$example.sql runs where there is no worker");
		ok($linked{'docs/job.md'}{"examples/$example.sql"}, '... and docs/job.md links it')
		  if $example ne 'tables';
	}
}
$node->stop;

# ----
# SQLSTATEs
# ----

my %sources;    # texts of the sources, by name
find({ no_chdir => 1, wanted => sub { $sources{ substr $_, 1 + length $TOP } = decode_utf8(slurp_file($_)) if /\.[ch]$/ } },
	"$TOP/src");

# Those that the sources name, but for what is no error, and what they only look at.
{
	my $header = qx("@{[ $ENV{PG_CONFIG} // 'pg_config' ]}" --includedir-server) =~ s/\n//r . '/utils/errcodes.h';
	my %code_of = slurp_file($header) =~ /^#define (ERRCODE_\w+)\s+MAKE_SQLSTATE\((.*)\)$/mg;
	my %raised = map { $code_of{$_} =~ s/[^0-9A-Z]//gr => 1 }
	  grep { !/^ERRCODE_(?:WARNING|SUCCESSFUL_COMPLETION|TO_CATEGORY|TRANSACTION_ROLLBACK|OPERATOR_INTERVENTION
		|ADMIN_SHUTDOWN|LOCK_NOT_AVAILABLE|CONNECTION_EXCEPTION)$/x }
	  map { /\b(ERRCODE_\w+)/g } values %sources;
	my %told = map { map { $_ => 1 } split /, /, $_->[0] }
	  $documents->table_rows($documents->chapter('docs/reference.md', '## SQLSTATEs'));

	is_deeply([ grep { !$told{$_} } sort keys %raised ], [], 'the reference has all SQLSTATEs');

	# What PostgreSQL raises for us.
	delete @told{qw(25006 40001 53100 53200)};
	is_deeply([ grep { !$raised{$_} } sort keys %told ], [], '... and no other');
}

# ----
# Texts
# ----

# The texts in C, with the function that each is given to: adjacent ones are one,
# and what a macro puts between is "%d".
sub texts_of
{
	my ($text) = @_;
	my (@tokens, @functions, @found);

	$text =~ s{/\*.*?\*/}{}gs;
	$text =~ s/^[ \t]*#[ \t]*(?:include|error).*$//mg;
	push @tokens, [ defined $1 ? 'text' : 'other', $1 // $2 // $3 // $4 ]
	  while $text =~ /\G\s*(?:"((?:[^"\\]|\\.)*)"|('(?:[^'\\]|\\.)+')|(\w+)|(\S))/gcs;
	for (my $n = 0; $n < @tokens; $n++)
	{
		my ($kind, $token) = @{ $tokens[$n] };

		if ($kind eq 'other')
		{
			if ($token eq '(') { push @functions, $n && $tokens[ $n - 1 ][1] =~ /^\w/ ? $tokens[ $n - 1 ][1] : $functions[-1] // ''; }
			elsif ($token eq ')') { pop @functions; }
			next;
		}
		while ($n + 1 < @tokens)
		{
			my ($next_kind, $next) = @{ $tokens[ $n + 1 ] };

			if ($next_kind eq 'text') { $token .= $next; $n++; }
			elsif ($next =~ /^[A-Z0-9]+_FORMAT$/) { $token .= '%d'; $n++; }
			elsif ($next =~ /^CppAsString/) { $token .= '%d'; $n += 4; }
			else { last; }
		}
		push @found, [ $functions[-1] // '', $token =~ s/\\(.)/$1/gr ];
	}
	return @found;
}

# Who is given what nobody reads, or what only goes with a message.
my %NO_MESSAGE = map { $_ => 1 } qw(
  AllocSetContextCreate hash_create StaticAssertDecl elog og_list_add og_says og_account_refuse_name og_account_read_none
  og_sql_need_worker og_sql_warn_of_worker
  errhint errhint_plural errdetail errdetail_log errdetail_plural DefineCustomIntVariable DefineCustomBoolVariable DefineCustomStringVariable);

# Rows of order_gateway_check carry a hint of their own.
my $ROWS_OF_CHECK = qr{^src/(?:sql/sql_check|gateway/gateway_check)\.c$};

# Parts of hints, words that answers are searched for.
my @NO_TEXTS = (
	'a whole number', ', with its unit: "ms", "s", "min", "h" or "d"', ', in bytes or with its unit: "B", "kB" or "MB"',
	'secret and salt, written as "secret:salt"', '1 to %d digits without a leading zero',
	'Wait a while, and see in order_gateway_limits who else asks.', 'order_gateway_check() tells what is in the way.',
	'not found', 'not exist', 'no such', 'ahead of',
	'INSERT INTO %s (installation, role_id, reference, call_id, content) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING',
	'the pace leaves no turn for it now', 'no answer in %.3f ms', 'not sent', ', cut off', 'read committed');
my %is_no_text = map { $_ => 1 } @NO_TEXTS;

# All that people may have in hand.
my %texts;      # file by text

foreach my $file (grep { $_ !~ $ROWS_OF_CHECK } sort keys %sources)
{
	my $last = '';

	foreach (texts_of($sources{$file}))
	{
		my ($function, $text) = @$_;
		my $is_format = $function =~ /^errmsg/ && $text =~ / /;

		next if $NO_MESSAGE{$function} || $is_no_text{$text};
		next if !$is_format && $text !~ /[A-Za-z]{2,} [A-Za-z]{2,}|^[a-z]+: %s$/;

		# hints and details, a status of HTTP, a limit, a name that the system gets
		next if $text =~ /^[A-Z].*\.$/s || $text =~ /^ [A-Z]/ || $text =~ m{^\d+/\d}
		  || $text =~ /^order_gateway [a-z]+(?: for)?(?: %\w)?$/;
		$texts{$text} //= $file;
	}
}
cmp_ok(scalar(keys %texts), '>', 200, 'many texts are in the sources');

my $SPEC = qr/%[-+ #0-9.*]*(?:l|ll|z)?[diufgcsm]/;

# As a pattern, with something else for what differs from case to case.
sub pattern
{
	my ($text, $differs) = @_;

	return join $differs, map { quotemeta } split /(?:$SPEC)+/, $text, -1;
}

# What the chapter quotes: in backquotes, and in blocks.
my $chapter = $documents->chapter('docs/troubleshooting.md');
my @quoted = ($documents->quoted(prose($chapter)), map { split /\n/, $_->{text} }
	  grep { $_->{file} eq 'docs/troubleshooting.md' } $documents->blocks);

foreach my $text (sort keys %texts)
{
	my $pattern = pattern($text, '.{0,60}?');

	next if ($text =~ s/$SPEC//gr) !~ /[a-z]{4}/;       # nothing to search for
	ok(scalar(grep { /$pattern/ } @quoted), encode_utf8("docs/troubleshooting.md has: $text"))
	  or diag(encode_utf8("$texts{$text} has a text that docs/troubleshooting.md has not: add it there, in backquotes, "
		  . "with \x{2026} for what differs, and what to do"));
}

# And the other way round, but for what others say.
{
	my $ours = $chapter =~ s/^## Errors of PostgreSQL\n.*?(?=^## )//msr =~ s/^## Errors of the recipes\n.*?(?=^## )//msr;
	my @patterns = map { pattern(s/^$SPEC//r, "(?: ?\"\x{2026}\"|\x{2026}|[\\w.]*)") . "(?:[ :]*\x{2026})?" }
	  grep { ($_ =~ s/$SPEC//gr) =~ /[a-z]{2}/ } keys %texts;
	my $looked = 0;

	foreach my $row ($documents->table_rows($ours))
	{
		my $first = $row->[0];

		foreach my $text (grep { / / && !/\(.*\)|^ORDER|^HTTP \x{2026}$/ } $documents->quoted($first))
		{
			# beginnings that are put before many a text
			next if ($text =~ s/(?:argument )?"\x{2026}"//gr) !~ /[a-z]{2,} .*[a-z]{2,}|[a-z]{2,}: /i;
			next if $text eq "the answer \x{2026}";
			$looked++;
			ok(scalar(grep { $text =~ /$_\z/ } @patterns), encode_utf8("the sources say: $text"));
		}
	}
	cmp_ok($looked, '>', 150, 'many texts were looked for');
}

done_testing();
