# Each field stands once: what is generated is what src/*/*_fields.def say, and
# a new field is one line there and "make generate". It is tried on a copy of the
# tree: its C, its SQL and its reference follow, the catalog's test passes, and the
# field is read. That what is committed of documents is what the catalog says is
# for 004_documents.

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use OrderGateway::Sandbox;

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';
my $PG_CONFIG = $ENV{PG_CONFIG} // 'pg_config';
my $FIELDS = 'src/provider/btse/btse_fields.def';
my $SCRIPT = 'sql/order_gateway--1.0.sql';

# What an outer make left in the environment is not meant for this one.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL PROVE_TESTS REGRESS DESTDIR)};

my $tree;       # the copy that is looked at

sub new_tree
{
	$tree = tempdir(CLEANUP => 1);
	system_or_bail('cp', '-r', (map { "$TOP/$_" }
		  qw(Makefile README.md docs examples order_gateway.control src sql expected)), $tree);
	system_or_bail('find', "$tree/src", '-name', '*.[oa]', '-delete', '-o', '-name', '*.bc', '-delete');
	return;
}

sub text_of { return slurp_file("$tree/$_[0]"); }

sub write_text
{
	my ($name, $text) = @_;

	open my $out, '>', "$tree/$name" or die "could not write $name: $!";
	print $out $text;
	close $out or die "could not write $name: $!";
	return;
}

# Replace a text that must be there, once.
sub edit
{
	my ($name, $from, $to) = @_;
	my $text = text_of($name);

	is($text =~ s/\Q$from\E/$to/g, 1, "$name has: $from");
	write_text($name, $text);
	return;
}

# Run a command on the tree; returns its exit code and its words.
sub run_there
{
	my (@command) = @_;
	my $output = '';

	IPC::Run::run(\@command, '<', \undef, '>', \$output, '2>&1', init => sub { chdir $tree or die $! });
	return ($? >> 8, $output);
}

sub generate { return run_there("$TOP/src/generate.pl", @_, $tree); }

# ----
# What is committed
# ----

new_tree();
my ($exit, $output) = generate('--check');
is($exit, 0, 'what is generated is what the fields say') or diag($output);
is($output, '', '... and there is nothing to say of it');
($exit, $output) = generate();
is("$exit$output", '0', '"make generate" writes nothing then');

# What a build does needs no more than what is committed.
($exit, $output) = run_there('make', '-n', "PG_CONFIG=$PG_CONFIG", 'with_llvm=no', 'all', 'install', 'clean');
is($exit, 0, 'a build');
unlike($output, qr/generate|perl/, '... generates nothing');

# ----
# A new field
# ----

my $line = 'FIELD(tier_rate, NUMERIC, "tierRate", "fee of the account\'s tier, \"net\"")';
my $before = 'FIELD(takerfee, NUMERIC, "takerfee", "fee of who takes one")';

edit($FIELDS, $before, "$before\n$line");
($exit, $output) = generate('--check');
is($exit, 1, 'a field that was added: what is generated is stale');
like($output, qr/^\Q$SCRIPT\E:\d+: types: not what/m, '... in the script');
like($output, qr/^run "make generate", and commit/m, '... and what to do is said');
unlike($output, qr/btse_price/, '... and nothing is said of others');

# A script that is released is not of the version that the control file names.
my $released = text_of($SCRIPT);

write_text('sql/order_gateway--0.9.sql', $released);
($exit, $output) = run_there('make', 'generate');
is("$exit$output", "0wrote $SCRIPT\n", '"make generate" writes it');
is(text_of('sql/order_gateway--0.9.sql'), $released, '... and no script that is released');
unlink "$tree/sql/order_gateway--0.9.sql";
like(text_of($SCRIPT), qr/^\ttakerfee numeric,\n\ttier_rate numeric,\n\traw json$/m, 'the type has it');
like(text_of($SCRIPT), qr/^COMMENT ON COLUMN btse_fee\.tier_rate IS 'fee of the account''s tier, "net"';$/m,
	'... with its comment');
is_deeply([ generate('--check') ], [ 0, '' ], '... and all is well again');
my @changed = split /\n/, `diff -r "$TOP/sql" "$tree/sql"`;
is(scalar(grep { /^>/ } @changed), 2, '... by two lines more') or diag(join "\n", @changed);
is(scalar(grep { /^</ } @changed), 0, '... and none less') or diag(join "\n", @changed);

# ----
# ... built, and installed in a copy of PostgreSQL
# ----

my $root = tempdir(CLEANUP => 1);
my %dir = map { $_ => scalar qx("$PG_CONFIG" --$_) =~ s/\n//r } qw(bindir pkglibdir sharedir);

# As for the stage (test/setup/stage.sh): programs find their files relative to
# where they are.
make_path(map { $root . $dir{$_} } keys %dir);
system_or_bail('cp', '-pr', "$dir{bindir}/.", $root . $dir{bindir});
system_or_bail('cp', '-rs', "$dir{$_}/.", $root . $dir{$_}) foreach qw(pkglibdir sharedir);
unlink glob "$root$dir{pkglibdir}/order_gateway.so $root$dir{sharedir}/extension/order_gateway[.-]*";
($exit, $output) = run_there('make', '-s', '-j4', "PG_CONFIG=$PG_CONFIG", 'with_llvm=no', 'COPT=-O0 -Werror', 'all');
is($exit, 0, 'it builds') or diag($output);
($exit, $output) = run_there('make', '-s', "PG_CONFIG=$PG_CONFIG", 'with_llvm=no', "DESTDIR=$root", 'install');
is($exit, 0, '... and can be installed') or diag($output);

my $node = PostgreSQL::Test::Cluster->new('fields', install_path => $root . dirname($dir{bindir}));
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'order_gateway'");
$node->start;
($exit, $output) = run_there($ENV{PG_REGRESS} // "$dir{pkglibdir}/pgxs/src/test/regress/pg_regress",
	"--bindir=$root$dir{bindir}", "--inputdir=$tree", "--outputdir=$tree",
	'--host=' . $node->host, '--port=' . $node->port, '--dbname=contrib_regression',
	'--encoding=UTF8', '--no-locale', '--load-extension=order_gateway', 'catalog');
is($exit, 0, 'the catalog is in order') or diag($output . slurp_file("$tree/regression.diffs"));

my $sandbox = OrderGateway::Sandbox->start;

$sandbox->install($node, extension => 1, providers => ['btse']);
$sandbox->arm('absurd_number', provider => 'btse', form => 'fraction', digits => 30, field => 'tierRate');
is($node->safe_psql('postgres', q{SELECT makerfee IS NOT NULL, tier_rate, raw ->> 'tierRate' FROM btse_fees('BTC-USD')}),
	't|0.333333333333333333333333333333|0.333333333333333333333333333333', 'the field is read');
$sandbox->disarm;
is($node->safe_psql('postgres', q{SELECT makerfee IS NOT NULL, tier_rate IS NULL FROM btse_fees('BTC-USD')}),
	't|t', '... and is NULL where an answer has none');

# What "make docs" does, of that catalog.
{
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');

	($exit, $output) = run_there("$tree/src/document.pl", '--check');
	is($exit, 1, 'the reference is stale');
	like($output, qr{^docs/reference\.md:\d+: types: not what}m, '... and it is said where');
	unlike($output, qr/functions/, '... and of nothing else');
	like($output, qr/^run "make docs", and commit/m, '... and what to do');
	is(join('', run_there("$tree/src/document.pl")), "0wrote docs/reference.md\n", '"make docs" writes it');
	like(text_of('docs/reference.md'), qr/^\| `tier_rate` \| `numeric` \| fee of the account's tier, "net" \|$/m,
		'... with the field');
	is(join('', run_there("$tree/src/document.pl", '--check')), '0', '... and all is well again');

	my $arguments = 'src/sql/sql_fields.def';

	foreach my $case (
		[ 'an argument of which nothing is said', $arguments, 'ARGUMENT_OF(xt_order, id, "the order")', '',
			qr/^no \*_fields\.def says what id of xt_order is: give it a line$/m ],
		[ 'an argument that no function has', $arguments, 'ARGUMENT_OF(xt_order, id,', 'ARGUMENT(ident, "a") ARGUMENT_OF(xt_order, id,',
			qr/^\Q$arguments\E:\d+: no function has such an argument$/m ],
		[ 'a mark of something else', 'docs/reference.md', 'generated: views', 'generated: sights',
			qr/^docs\/reference\.md:\d+: nothing is generated for "sights"$/m ],
		[ 'an example that was edited', 'examples/watch.sql', 'FROM order_gateway_activity', 'FROM activity',
			qr/^examples\/watch\.sql: not what/m ])
	{
		my ($name, $file, $from, $to, $complaint) = @$case;
		my $text = text_of($file);

		write_text($file, $text =~ s/\Q$from\E/$to/r);
		($exit, $output) = run_there("$tree/src/document.pl", '--check');
		isnt($exit, 0, "$name: refused");
		like($output, $complaint, '... and said where');
		write_text($file, $text);
	}
}
@changed = split /\n/, `diff -r "$TOP/docs" "$tree/docs"; diff -r "$TOP/examples" "$tree/examples"`;
is(scalar(grep { /^>/ } @changed), 1, '... by one line more') or diag(join "\n", @changed);
is(scalar(grep { /^</ } @changed), 0, '... and none less') or diag(join "\n", @changed);
$sandbox->stop;
$node->stop;

# ----
# What is refused
# ----

my $SYMBOL = 'FIELD(makerfee, NUMERIC, "makerfee", "fee of who adds an order to the book")';

sub refused
{
	my ($name, $file, $from, $to, $complaint) = @_;
	my $text = slurp_file("$TOP/$file");

	BAIL_OUT("$file has no: $from") if index($text, $from) < 0;
	write_text($file, $text =~ s/\Q$from\E/$to/r);
	($exit, $output) = generate();
	isnt($exit, 0, "$name: refused");
	like($output, qr/^\Q$file\E:$complaint$/m, '... and said where');
	write_text($file, $text);
	return;
}

new_tree();
foreach my $case (
	[ 'a word that is none', 'FELD(a, TEXT, "a", "b")', '\d+: this says nothing of a field' ],
	[ 'no comment', 'FIELD(a, TEXT, "a")', '\d+: a comma is expected' ],
	[ 'an empty comment', 'FIELD(a, TEXT, "a", " ")', '\d+: "a" says nothing' ],
	[ 'a text without an end', 'FIELD(a, TEXT, "a", "b)', '\d+: a text in double quotes is expected' ],
	[ 'a type that is none', 'FIELD(a, STRING, "a", "b")', '\d+: OG_STRING is no type of a column' ],
	[ 'a column that is there', 'FIELD(symbol, TEXT, "a", "b")', '\d+: "symbol" is in the table twice: use AGAIN' ],
	[ 'a member that is there', 'FIELD(a, TEXT, "symbol", "b")', '\d+: "symbol" is another column\'s' ],
	[ 'words of codes that are none', 'FIELD(a, TEXT, "a", "one of {codes}")', '\d+: no CODES are called "codes" above' ],
	[ 'a name of nothing', 'NAME(a, btse_codes, "b")', '\d+: "a" does not follow a number' ],
	[ 'codes that are none', 'NAME(a, codes_of_none, "b")', '\d+: no CODES are called "codes_of_none" above' ],
	[ 'once more of what is not there', 'AGAIN(a)', '\d+: there is no "a" above' ],
	[ 'once more in the same row', 'AGAIN(symbol, "b")', '\d+: "symbol" is there twice' ],
	[ 'an argument that is there', 'ARGUMENT(a, "b") ARGUMENT(a, "c")', '\d+: "a" is there twice' ],
	[ 'Markdown for SQL', 'FIELD(a, TEXT, "a", "see `b`")', '\d+: a comment in SQL has no backticks' ])
{
	my ($name, $bad, $complaint) = @$case;

	refused($name, $FIELDS, $SYMBOL, "$bad\n$SYMBOL", $complaint);
}
refused('a table without END', $FIELDS, "END\n\nTABLE(btse_fee_columns)", "\nTABLE(btse_fee_columns)",
	'\d+: TABLE without END');
refused('a column of no row', $FIELDS, "TYPE(btse_fee, ", "/* */ HIDDEN(fee, TEXT, \"fee\") OURS(fee, text, ",
	'\d+: no TYPE, ROW or VIEW has "fee"');
refused('a type twice', $FIELDS, 'TYPE(btse_fee, "', 'TYPE(btse_price, "', '\d+: "btse_price" is there twice');
refused('a mark of nothing', $SCRIPT, 'comments of order_gateway_stats', 'comments of order_gateway_stat',
	'\d+: no \*_fields\.def has "order_gateway_stat"');
refused('a mark of something else', $SCRIPT, 'comments of order_gateway_stats', 'views',
	'\d+: nothing is generated for "views"');
refused('a mark without an end', $SCRIPT, "-- end of generated\n", '', '\d+: the one above has no end');
refused('an end of nothing', $SCRIPT, "-- generated: types\n", '', '\d+: nothing begins above');
refused('a column that the row has not', $SCRIPT, 'columns of xt_order, order_id', 'columns of xt_order, id',
	'\d+: "xt_order" has no "id"');

# A row that nothing answers.
edit($SCRIPT, 'generated: columns of check', 'generated: columns of preview');
my $edited = text_of($SCRIPT);
($exit, $output) = generate();
isnt($exit, 0, 'a row that no function answers: refused');
like($output, qr{^src/sql/sql_fields\.def: no install script has check$}m, '... and it is said which');
is(text_of($SCRIPT), $edited, 'nothing was written meanwhile');

done_testing();
