# What others read to fetch, build and test the extension: META.json is valid
# by the PGXN's specification 1.0.0 and agrees with the control file, the
# install script and the headers, Debian's files agree with all of these, so do
# the Dockerfile and the workflow, and "make installcheck" needs no more than a
# server. (make check-package builds the packages and installs them.)

use strict;
use warnings;
use utf8;

use File::Basename qw(basename dirname);
use JSON::PP ();
use List::Util qw(uniq);
use Test::More;

my $TOP = $ENV{OG_SOURCE_DIR} // dirname(__FILE__) . '/../..';
my $PG_CONFIG = $ENV{PG_CONFIG} // 'pg_config';

sub slurp
{
	my ($name) = @_;

	open my $in, '<:raw', "$TOP/$name" or die "could not read $name: $!";
	local $/ = undef;
	return scalar <$in>;
}

# ----
# The specification, as a table: https://pgxn.org/meta/spec.txt
# ----

# A word as names are, a semantic version, and a range of such.
my $TERM = qr{^[^\s[:cntrl:]/\\]{2,}$};
my $PART = qr{[0-9A-Za-z-]+};
my $NUMBER = qr{(?:0|[1-9]\d*)};
my $SEMVER = qr{$NUMBER\.$NUMBER\.$NUMBER(?:-$PART(?:\.$PART)*)?(?:\+$PART(?:\.$PART)*)?};
my $ONE = qr{(?:(?:[=!]=|[<>]=?)\s*)?(?:$SEMVER|0)};
my $URL = qr{^[a-z][a-z0-9+.-]*://[^/?#\s]+\S*$}i;

my $TEXT = qr{\S};
my $FILE = qr{^[^/\s]\S*$};
my $VERSION = qr{^$SEMVER$};
my $LICENSE = qr{^(?:
	agpl_3 | apache_1_1 | apache_2_0 | artistic_[12] | bsd | freebsd | gfdl_1_[23] | gpl_[123] |
	lgpl_2_1 | lgpl_3_0 | mit | mozilla_1_[01] | openssl | perl_5 | postgresql | qpl_1_0 | ssleay | sun |
	zlib | open_source | restricted | unrestricted | unknown)$}x;

# A pattern is for a string; an array for a string or a list of such; a hash
# for a map of keys, of which those with "!" must be there.  A key that is a
# pattern, quoted by "/", stands for all that match; keys of one's own begin
# with x_ everywhere.
my %SPEC = (
	'name!' => $TERM,
	'version!' => $VERSION,
	'abstract!' => $TEXT,
	'maintainer!' => [$TEXT],
	'license!' => [$LICENSE],
	'provides!' => {
		'/^[^\s/\\\\]{2,}$/' => {
			'file!' => $FILE,
			'version!' => $VERSION,
			abstract => $TEXT,
			docfile => $FILE,
		},
	},
	'meta-spec!' => { 'version!' => qr{^1\.0\.0$}, url => $URL },
	description => $TEXT,
	generated_by => $TEXT,
	release_status => qr{^(?:stable|testing|unstable)$},
	tags => [qr{^[^[:cntrl:]/\\]{1,256}$}],
	no_index => { file => [$FILE], directory => [$FILE] },
	prereqs => {
		'/^(?:configure|build|test|runtime|develop)$/' => {
			'/^(?:requires|recommends|suggests|conflicts)$/' => { '/../' => qr{^$ONE(?:,\s*$ONE)*$} },
		},
	},
	resources => {
		license => [$URL],
		homepage => $URL,
		bugtracker => { web => $URL, mailto => qr{^\S+@\S+$} },
		repository => { web => $URL, url => $URL, type => qr{^[^A-Z\s]+$} },
	},
);

# What a key stands for, or nothing.
sub rule_for
{
	my ($map, $key) = @_;

	return qr{} if $key =~ /^x_/i;
	foreach my $name (keys %$map)
	{
		return $map->{$name} if $name =~ m{^/(.*)/$} ? $key =~ /$1/ : $key eq $name =~ s/!$//r;
	}
	return;
}

# All complaints about a value, each with the place.
sub complaints
{
	my ($rule, $value, $place) = @_;
	my @found;

	if (ref $rule eq 'HASH')
	{
		return "$place is no map" if ref $value ne 'HASH';
		push @found, map { "$place lacks $_" }
		  grep { !exists $value->{$_} } map { /^(.*)!$/ ? $1 : () } sort keys %$rule;
		foreach my $key (sort keys %$value)
		{
			my $inner = rule_for($rule, $key);

			push @found, defined $inner
			  ? complaints($inner, $value->{$key}, "$place/$key") : "$place has an unknown key $key";
		}
		return @found;
	}
	if (ref $rule eq 'ARRAY')
	{
		return complaints($rule->[0], $value, $place) if !ref $value;
		return "$place is neither text nor a list of it" if ref $value ne 'ARRAY' || !@$value;
		return map { complaints($rule->[0], $value->[$_], "$place\[$_]") } 0 .. $#$value;
	}
	return if $rule eq qr{};
	return "$place is no text" if !defined $value || ref $value;
	return $value =~ $rule ? () : "$place is not valid: $value";
}

sub meta { return JSON::PP->new->utf8->decode(slurp('META.json')); }

# ----
# META.json
# ----

my $meta = meta();
is_deeply([ complaints(\%SPEC, $meta, 'META.json') ], [], 'META.json is valid');

# What is wrong, and the complaint that must come of it.
foreach my $key (qw(name version abstract maintainer license provides meta-spec))
{
	my $broken = meta();

	delete $broken->{$key};
	is_deeply([ complaints(\%SPEC, $broken, 'META.json') ], ["META.json lacks $key"], "... not without $key");
}
foreach my $case (
	[ 'version 1.0', '/version is not valid: 1.0', sub { $_[0]{version} = '1.0' } ],
	[ 'version 01.0.0', '/version is not valid: 01.0.0', sub { $_[0]{version} = '01.0.0' } ],
	[ 'specification 1', '/meta-spec/version is not valid: 1', sub { $_[0]{'meta-spec'}{version} = 1 } ],
	[ 'specification 1.0', '/meta-spec/version is not valid: 1.0', sub { $_[0]{'meta-spec'}{version} = '1.0' } ],
	[ 'an unknown license', '/license is not valid: PostgreSQL', sub { $_[0]{license} = 'PostgreSQL' } ],
	[ 'one unknown license', '/license[1] is not valid: ours', sub { $_[0]{license} = [ 'mit', 'ours' ] } ],
	[ 'no maintainer', '/maintainer is neither text nor a list of it', sub { $_[0]{maintainer} = [] } ],
	[ 'an empty abstract', '/abstract is not valid: ', sub { $_[0]{abstract} = '' } ],
	[ 'nothing as abstract', '/abstract is no text', sub { $_[0]{abstract} = undef } ],
	[ 'a key of ours', ' has an unknown key colour', sub { $_[0]{colour} = 'red' } ],
	[ 'a name with a blank', '/name is not valid: order gateway', sub { $_[0]{name} = 'order gateway' } ],
	[ 'an extension without a file', '/provides/order_gateway lacks file',
		sub { delete $_[0]{provides}{order_gateway}{file} } ],
	[ 'an unknown phase', '/prereqs has an unknown key run', sub { $_[0]{prereqs}{run} = {} } ],
	[ 'an unknown relation', '/prereqs/runtime has an unknown key needs', sub { $_[0]{prereqs}{runtime}{needs} = {} } ],
	[ 'a range without a version', '/prereqs/runtime/requires/PostgreSQL is not valid: >= 15',
		sub { $_[0]{prereqs}{runtime}{requires}{PostgreSQL} = '>= 15' } ],
	[ 'a tag with a slash', '/tags[0] is not valid: a/b', sub { $_[0]{tags} = ['a/b'] } ],
	[ 'a homepage without a scheme', '/resources/homepage is not valid: example.com',
		sub { $_[0]{resources}{homepage} = 'example.com' } ],
	[ 'a status', '/release_status is not valid: beta', sub { $_[0]{release_status} = 'beta' } ])
{
	my ($name, $complaint, $break) = @$case;
	my $broken = meta();

	$break->($broken);
	is_deeply([ complaints(\%SPEC, $broken, 'META.json') ], ["META.json$complaint"], "... not with $name");
}
my $more = meta();
$more->{x_colour} = { a => [1] };
$more->{maintainer} = [ 'a <a@example.com>', 'b <b@example.com>' ];
$more->{release_status} = 'testing';
$more->{prereqs}{runtime}{requires}{PostgreSQL} = '>= 15.0.0, < 19.0.0, != 17.1.0';
$more->{resources} = { repository => { url => 'git://example.com/x.git', type => 'git' } };
is_deeply([ complaints(\%SPEC, $more, 'META.json') ], [], '... but with all that may be there');

# ----
# What it agrees with
# ----

# "1.0" of the control file is "1.0.0" of META.json.
sub as_semver
{
	my ($version) = @_;

	return join '.', (split(/\./, $version), 0, 0)[ 0 .. 2 ];
}

my %control = slurp('order_gateway.control') =~ /^(\w+)\s*=\s*'?([^'\n]*)'?$/mg;
my $provided = $meta->{provides}{order_gateway};
my $script = "sql/order_gateway--$control{default_version}.sql";

is($meta->{name}, 'order_gateway', 'its name is the extension\'s');
is_deeply([ keys %{ $meta->{provides} } ], ['order_gateway'], '... which is all that it provides');
is($meta->{version}, as_semver($control{default_version}), 'its version is that of the control file');
is($provided->{version}, $meta->{version}, '... in both places');
is($provided->{file}, $script, 'the file is the script of that version');
ok(-s "$TOP/$provided->{$_}", "... and there is such a $_") foreach qw(file docfile);
foreach my $path (glob "$TOP/sql/order_gateway--*.sql")
{
	my $name = basename($path);
	my ($first, $guard) = (split /\n/, slurp("sql/$name"))[ 0, 3 ];

	is($first, "/* $name */", "$name says which it is");
	like($guard, qr/^\\echo Use ".* EXTENSION order_gateway/, '... and is not to be run by psql');
}
is($control{module_pathname}, '$libdir/order_gateway', 'the library has its name, too');
my ($oldest) = slurp('src/ground/compat.h') =~ /^#if PG_VERSION_NUM < (\d+)0000$/m;
is($meta->{prereqs}{runtime}{requires}{PostgreSQL}, "$oldest.0.0", 'it needs the server that the sources need');
is_deeply([ map { $control{$_} } qw(superuser trusted relocatable) ], [qw(true false true)],
	'a superuser creates it, where he likes');
my $document = slurp('docs/installation.md');
my ($newest) = $document =~ /^It takes PostgreSQL $oldest to (\d+),/m;
ok($newest, '... and that the document names');

# ----
# Debian's packages
# ----

# debian/control for some versions, as pg_buildext makes it of control.in.
sub debian_control
{
	my (@versions) = @_;
	my @paragraphs;

	foreach my $paragraph (split /\n\n+/, slurp('debian/control.in') =~ s/\n\z//r)
	{
		push @paragraphs, map { $paragraph =~ s/PGVERSION/$_/gr }
		  $paragraph =~ /^Package: .*PGVERSION/ ? @versions : $versions[-1];
	}
	return join("\n\n", @paragraphs) . "\n";
}

my $debian_control = slurp('debian/control');
my @packages = $debian_control =~ /^Package: (.*)$/mg;
my @versions = map { /^postgresql-(\d+)-/ } @packages;
my ($package_version) = slurp('debian/changelog') =~ /^order-gateway \(([^)]+)\)/;
is($debian_control, debian_control(@versions), 'debian/control is that of control.in');
is($package_version =~ s/-[^-]+\z//r, $meta->{version}, 'its version is that of META.json');
is((slurp('CHANGELOG.md') =~ /^## (?!Unreleased)(\S+)/m)[0], $meta->{version}, '... and the last of the changelog');
is(slurp('debian/pgversions'), "$oldest+\n", 'it is built for the servers that the sources take');
unlike(slurp('debian/minor_versions'), qr/^\d/m, '... of any minor version');
foreach my $name (@packages)
{
	like($document, qr/`\Q${name}_$package_version\E_(?:amd64|all)\.deb`/, "the document has the name of $name");
}
like(slurp('debian/copyright'), qr/\A.*^License: PostgreSQL\n\n/ms, 'there is a license');
foreach my $line (grep { /\S/ } split /\n/, slurp('LICENSE') =~ s/\A.*?\n\n.*?\n\n//sr)
{
	like(slurp('debian/copyright'), qr/^ \Q$line\E$/m, "... which says \"$line\"");
}

# The sandbox's page of the manual.
my $page = slurp('debian/order-sandbox.1') =~ s/\\-/-/gr;
like($page, qr/^\.TH .* "order_gateway \Q$control{default_version}\E" /m, 'the manual is of this version');
is(join(' ', $page =~ /^\.(?:B|BI|BR) (--[a-z-]+)/mg),
	join(' ', slurp('test/sandbox/sandbox') =~ /add_argument\("(--[a-z-]+)"/g),
	'... and has all options of the sandbox');

# ----
# Dockerfile, compose.yaml, workflow
# ----

is($_->[1], $oldest, "$_->[0] takes PostgreSQL $oldest if nobody says otherwise")
  foreach [ Dockerfile => slurp('Dockerfile') =~ /^ARG POSTGRES_MAJOR=(\d+)$/m ],
  map { [ 'compose.yaml' => $_ ] } uniq(slurp('compose.yaml') =~ /POSTGRES_MAJOR:-(\d+)/g);
SKIP:
{
	my $workflow = '.github/workflows/check.yml';

	skip 'the archive of "make dist" has no workflow', 1 if !-e "$TOP/$workflow";
	is(join(' ', slurp($workflow) =~ /^ +postgresql: \[(.*)\]$/m),
		join(', ', $oldest .. $newest), 'the workflow runs on all versions');
}

# ----
# The targets that test
# ----

# What an outer make left in the environment is not meant for this one.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL PROVE_TESTS REGRESS)};

sub commands_of
{
	my ($target) = @_;

	return scalar qx{make -n -C "$TOP" PG_CONFIG="$PG_CONFIG" $target 2>&1};
}

my $commands = commands_of('installcheck');
my @regress = sort grep { !/--/ } map { basename($_, '.sql') } glob "$TOP/sql/*.sql";
like($commands, qr/pg_regress .* \Q@regress\E$/m, '"make installcheck" runs all of sql/');
unlike($commands, qr/\bprove\b/, '... and no TAP test');
$commands = commands_of('prove_installcheck');
unlike($commands, qr/--load-extension/, '"make prove_installcheck" does not');
like($commands, qr{\bprove\b.* test/t/\Q${\basename(__FILE__)}\E\b}, '... but all of test/t');

done_testing();
