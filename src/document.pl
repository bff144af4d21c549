#!/usr/bin/perl
#
# Writes what follows from the catalog into the documents: functions with their
# arguments and comments, types, views and settings, and from the files
# *_fields.def what no catalog has a place for (columns of functions without a
# row type, and what arguments mean). It asks the server that PGHOST, PGPORT,
# PGUSER and PGDATABASE name, in a database that has the extension and whose
# server preloads it.
#
#	src/document.pl [TOP-DIRECTORY]			"make docs" does that: write
#	src/document.pl --check [TOP-DIRECTORY]	say what is not as it would be
#											written, and exit with 1
#
# It also writes examples/*.sql, which are made of the blocks of code in the
# documents that follow a mark with their name:
#
#	<!-- recipe: NAME, FILE.sql -->
#
# What is generated stands between marks, and is committed; see regenerate() in
# src/fields.pl. A mark says what is between it and the next one:
#
#	<!-- generated: list of functions -->	a table of all
#	<!-- generated: functions -->			each with all that there is to say
#	<!-- generated: types -->				likewise
#	<!-- generated: views -->				likewise
#	<!-- generated: settings -->			a table
#	<!-- generated: columns of X -->		a table of the columns of a ROW
#	<!-- end of generated -->

use strict;
use warnings;
use FindBin ();

our ($top, $file, $line, @rows, %row_named);

my $checks = @ARGV && $ARGV[0] eq '--check' && shift @ARGV;
$top = @ARGV ? shift @ARGV : "$FindBin::Bin/..";
require "$FindBin::Bin/fields.pl";

# Types as people write them.
my %SPELLED_SHORT = (int4 => 'int', int8 => 'bigint');
my %SPELLED = (integer => 'int', 'timestamp with time zone' => 'timestamptz',
	'timestamp with time zone[]' => 'timestamptz[]', 'double precision' => 'float8');

# ----
# The catalog
# ----

# The rows of a query, as arrays of texts.
sub rows_of
{
	my ($sql) = @_;

	open my $psql, '-|', 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-F', "\x1f", '-R', "\x1e",
	  '-c', q{SET search_path = pg_catalog, public}, '-c', $sql
	  or die "could not run psql: $!\n";
	local $/;
	my $answer = <$psql> // '';
	close $psql or die "psql failed\n";
	$answer =~ s/\n\z//;
	return map { [ split /\x1f/, $_, -1 ] } split /\x1e/, $answer;
}

sub spelled { return $SPELLED{ $_[0] } // $_[0]; }

# Members of the extension in a catalog.
sub members { return "SELECT objid FROM pg_depend JOIN pg_extension AS e ON refclassid = 'pg_extension'::regclass
	AND refobjid = e.oid AND extname = 'order_gateway' WHERE deptype = 'e' AND classid = '$_[0]'::regclass"; }

my %functions;  # by name: name, kind, comment, source, cost, type, grantees, in, out

# What sort of function it is, as its name and the comments tell.
sub kind_of
{
	my ($function) = @_;
	my $name = $function->{name};

	return $1 if $name =~ /_(preview|submit)$/;
	return 'act' if $functions{"${name}_preview"};
	return 'support' if $name =~ /_validator$|_support$|_may_see$|_pauses$|_stream_(?:states|books|quotes)$/ || $function->{type} eq 'trigger'
	  || ($row_named{$name} // { kind => '' })->{kind} eq 'VIEW';
	return 'journal' if $name =~ /^order_gateway_(wait|find|withdraw|adopt)$/;
	return 'heartbeat' if $name =~ /^btse_heartbeat_(start|stop)$/;
	return 'stream' if $name =~ /^btse_stream_(start|stop)$/;
	return 'own' if $function->{cost} < 100;
	return 'public read' if $function->{comment} =~ /No user mapping is needed/;
	return 'read';
}

sub read_functions
{
	%functions = map {
		my %function;

		@function{qw(name comment cost type grantees)} = @$_;
		$function{source} = $1 if $function{comment} =~ s/\s*\bSource: (.*)$//s;
		$function{$_} = [] foreach qw(in out);
		($function{name} => \%function);
	} rows_of(q{
		SELECT proname, obj_description(p.oid, 'pg_proc'), procost,
			CASE WHEN prorettype <> 'record'::regtype THEN (SELECT typname FROM pg_type WHERE oid = prorettype) END,
			(SELECT string_agg(CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, ', ')
			 FROM aclexplode(proacl) WHERE grantee <> proowner)
		FROM pg_proc AS p WHERE oid IN (} . members('pg_proc') . ')');
	foreach (rows_of(q{
		SELECT proname, coalesce(proargnames[n], ''), coalesce(proargmodes[n], 'i'), format_type(t, NULL),
			CASE WHEN proargmodes IS NULL OR proargmodes[n] = 'i' THEN pg_get_function_arg_default(oid, n::int) END
		FROM pg_proc, unnest(coalesce(proallargtypes, proargtypes::oid[])) WITH ORDINALITY AS a (t, n)
		WHERE oid IN (} . members('pg_proc') . ') ORDER BY proname, n'))
	{
		my ($name, $argument, $mode, $type, $default) = @$_;

		push @{ $functions{$name}{ $mode eq 'i' ? 'in' : 'out' } },
		  { name => $argument, type => spelled($type), default => $default =~ s/::.*//r };
	}
	$_->{kind} = kind_of($_) foreach values %functions;
	return;
}

# ----
# Markdown
# ----

# A text of SQL for Markdown: what looks like a name, a literal or JSON is shown
# as one, and what stands in backticks already as it is.
sub markdown
{
	my ($text) = @_;

	$text =~ s/('[^' ]+'|\[\{.*?\}\])/`$1`/g if $text !~ /`/;
	return join '', map {
		s/([|])/\\$1/g;
		if (!/^`/)
		{
			s/&/&amp;/g;
			s/</&lt;/g;
			s/\*/\\*/g;
			s/(?<![\w"])(order_gateway\.\w+|[A-Za-z0-9]\w*_\w+(?:\(\))?|[a-z]{2,}[A-Z]\w*)/`$1`/g;
		}
		$_;
	} split /(`[^`]*`)/, $text;
}

# A comment as a paragraph.
sub sentence
{
	my ($text) = @_;

	$text =~ s/\s+$//;
	$text =~ s/\s*Call it in FROM\.?$//;
	$text = ucfirst $text if $text !~ /^[a-z]+_/;
	$text .= '.' if $text !~ /[.:]$/;
	return markdown($text);
}

sub type_cell
{
	my ($type) = @_;

	return $type eq 'anycompatible' ? 'that of the array' : "`$type`";
}

sub columns_table
{
	my (@columns) = @_;

	return join '', "\n| column | type | what it is |\n|---|---|---|\n", map {
		"| `$_->{name}` | " . type_cell($_->{type}) . ' | ' . markdown($_->{comment}) . " |\n";
	} @columns;
}

# ----
# Functions
# ----

# In which order, and under which heading.
my @GROUPS = (
	[ 'Cancels', sub { $_[0]{kind} eq 'act' && $_[0]{type} eq '' } ],
	[ 'Other acts at BTSE', sub { $_[0]{kind} eq 'act' } ],
	[ 'Submitted calls', sub { $_[0]{kind} eq 'journal' } ],
	[ 'Heartbeats', sub { $_[0]{kind} eq 'heartbeat' } ],
	[ 'Streams', sub { $_[0]{kind} eq 'stream' } ],
	[ 'Settling and checking', sub { $_[0]{name} =~ /^order_gateway_(settle|check)$/ } ],
	[ 'Reads at XT, TronSave and Wangdian', sub { $_[0]{kind} =~ /read/ && $_[0]{name} !~ /^btse_/ } ],
	[ 'Reads of an account at BTSE', sub { $_[0]{kind} eq 'read' } ],
	[ 'Reads of markets at BTSE', sub { $_[0]{kind} eq 'public read' } ],
	[ 'What asks no provider', sub { $_[0]{kind} eq 'own' } ]);

# Functions by group: arrays of heading and functions.
sub grouped
{
	my %left = map { $_ => $functions{$_} } grep { $functions{$_}{kind} !~ /preview|submit|support/ } keys %functions;
	my @groups;

	foreach (@GROUPS)
	{
		my ($heading, $belongs) = @$_;
		my @members = grep { $belongs->($left{$_}) } sort keys %left;

		push @groups, [ $heading, map { delete $left{$_} } @members ];
	}
	die "no group has: @{[ sort keys %left ]}\n" if %left;
	return @groups;
}

sub list_of_functions
{
	return join '', "\n| function | kind | what it does | source |\n|---|---|---|---|\n", map {
		my (undef, @members) = @$_;

		map {
			my ($what) = $_->{comment} =~ /^(.+?)(?:[:;.] |\.?$)/s;
			my $kind = $_->{kind} =~ /own|journal|heartbeat|stream/ ? '' : $_->{kind};
			my $source = defined $_->{source} ? "`$_->{source}`" : '';

			"| [`$_->{name}`](#$_->{name}) | $kind | " . markdown($what) . " | $source |\n";
		} @members;
	} grouped();
}

sub parameter
{
	my ($argument) = @_;
	my $name = $argument->{name} eq 'grouping' ? '"grouping"' : $argument->{name};

	return "$name $argument->{type}" . ($argument->{default} ne '' ? " DEFAULT $argument->{default}" : '');
}

# A call as it is declared, in lines that are not too long.
sub signature
{
	my ($function) = @_;
	my @lines = ("$function->{name}(");
	my @parameters = map { parameter($_) } @{ $function->{in} };

	foreach my $n (0 .. $#parameters)
	{
		my $next = $parameters[$n] . ($n < $#parameters ? ',' : ')');

		if (length($lines[-1]) + length($next) > 96) { push @lines, '    '; }
		elsif ($lines[-1] !~ /\($/) { $lines[-1] .= ' '; }
		$lines[-1] .= $next;
	}
	$lines[-1] .= ')' if !@parameters;
	return "```\n" . join('', map { "$_\n" } map { s/ +$//r } @lines) . "```\n";
}

# Where the columns stand that it answers.
sub answer_of
{
	my ($function) = @_;
	my $out = join ' ', map { "$_->{name} $_->{type}" } @{ $function->{out} };

	return '' if $function->{type} eq 'void';
	return "a number, of type `$SPELLED_SHORT{ $function->{type} }`" if $SPELLED_SHORT{ $function->{type} };
	return "rows of the view [`$function->{type}`](#view-$function->{type})" if $row_named{ $function->{type} }
	  && $row_named{ $function->{type} }{kind} eq 'VIEW';
	return "rows of type [`$function->{type}`](#type-$function->{type})" if $row_named{ $function->{type} };
	die "$function->{name} answers $function->{type}\n" if $out eq '';
	foreach my $row (@rows)
	{
		next if $row->{kind} eq 'VIEW';
		my $columns = join ' ', map { "$_->{name} $_->{type}" } @{ $row->{columns} };
		my $own_id = $columns =~ s/^order_id text /order_id anycompatible /r;

		return "the [columns of a $row->{name}](#columns-of-a-$row->{name})"
		  if $out eq $columns && $row->{name} =~ /^(?:call|preview|check)$/;
		return "the [columns of settling](#columns-of-settling)" if $out eq $columns && $row->{name} eq 'settling';
		return "the columns:\n" . columns_table(@{ $row->{columns} }) if $out eq $columns && $row->{kind} eq 'ROW';
		return "the columns of type [`$row->{name}`](#type-$row->{name}), with `order_id` in the type of the array"
		  if $out eq $own_id && $row->{kind} eq 'TYPE';
	}
	die "no *_fields.def has the columns of $function->{name}: $out\n";
}

sub arguments_table
{
	my ($function) = @_;

	return '' if !@{ $function->{in} };
	return join '', "\n| argument | type | default | what it is |\n|---|---|---|---|\n", map {
		my $meaning = argument_meaning($function->{name}, $_->{name})
		  // die "no *_fields.def says what $_->{name} of $function->{name} is: give it a line\n"
		  . "ARGUMENT_OF($function->{name}, $_->{name}, \"...\")\n";
		my $default = $_->{default} eq '' ? '' : "`$_->{default}`";

		"| `$_->{name}` | `$_->{type}` | $default | $meaning |\n";
	} @{ $function->{in} };
}

# Which functions anybody may call.
my %IS_PUBLIC = map { $_ => 1 } qw(btse_codes order_gateway_wait order_gateway_find order_gateway_withdraw);

# What it takes to call it, and what it raises.
my %KIND = (
	act => 'An [act](#acts)',
	read => 'A [read](#reads)',
	'public read' => 'A [public read](#public-reads)',
	own => 'It asks no provider',
	journal => 'It asks no provider',
	stream => 'It asks no provider: the stream worker does, once it has committed, and it needs what a [read](#reads) of that server needs (a user mapping for `fills` and `notifications` only)',
	heartbeat => 'The gateway worker sends, once it has committed, and it needs what the [act](#acts) itself needs',
);

sub function_section
{
	my ($function) = @_;
	my $answer = answer_of($function);
	my $text = "\n#### $function->{name}\n\n" . signature($function) . "\n" . sentence($function->{comment}) . "\n";

	$text .= "\n$KIND{ $function->{kind} }"
	  . ($function->{grantees} eq 'PUBLIC' ? ', and anybody may call it'
		  : $function->{kind} eq 'own' ? ', and only superusers may call it' : '')
	  . '.' . (defined $function->{source} ? " Source: `$function->{source}`." : '') . "\n";
	die "$function->{name} is granted to $function->{grantees}\n"
	  if $function->{grantees} ne ($IS_PUBLIC{ $function->{name} } ? 'PUBLIC' : '');
	$text .= arguments_table($function);
	$text .= "\nIt answers $answer" . ($answer =~ /\n$/ ? '' : ".\n") if $answer ne '';
	return $text;
}

# A preview has what its call has, and the time.
sub check_preview
{
	my ($function) = @_;
	my $preview = $functions{"$function->{name}_preview"} // return;
	my ($of_call, $of_preview) = map { join ', ', map { parameter($_) } @{ $_->{in} } } $function, $preview;

	die "$preview->{name} has other arguments than its call\n"
	  if $of_preview ne "$of_call, at timestamptz DEFAULT now()";
	die "$preview->{name} has other columns\n" if answer_of($preview) !~ /columns of a preview/;
	return;
}

# A submit has what its call has, and what only submitted calls have.
sub check_submit
{
	my ($function) = @_;
	my $submit = $functions{"$function->{name}_submit"} // return;
	my ($of_call, $of_submit) = map { join ', ', map { parameter($_) } @{ $_->{in} } } $function, $submit;

	die "$submit->{name} has other arguments than its call\n"
	  if $of_submit ne join ', ', $of_call, 'reference text DEFAULT NULL', 'not_before timestamptz DEFAULT NULL',
	  'expires_at timestamptz DEFAULT NULL';
	die "$submit->{name} answers $submit->{type}\n" if $submit->{type} ne 'int8';
	return;
}

sub all_functions
{
	return join '', map {
		my ($heading, @members) = @$_;

		check_preview($_), check_submit($_) foreach @members;
		("\n### $heading\n", map { function_section($_) } @members);
	} grouped();
}

# ----
# Types, views, settings
# ----

my %attributes; # of types and views, by name

sub read_attributes
{
	push @{ $attributes{ $_->[0] } }, { name => $_->[1], type => spelled($_->[2]), comment => $_->[3] }
	  foreach rows_of(q{
		SELECT relname, attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
		FROM pg_class AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
		WHERE c.oid IN (} . members('pg_class') . ') OR reltype IN (' . members('pg_type') . ')
		ORDER BY relname, attnum');
	return;
}

sub all_types
{
	my @enums = rows_of(q{
		SELECT typname, obj_description(t.oid, 'pg_type'), string_agg(enumlabel, ',' ORDER BY enumsortorder)
		FROM pg_type AS t JOIN pg_enum ON enumtypid = t.oid
		WHERE t.oid IN (} . members('pg_type') . ') GROUP BY t.oid, typname ORDER BY typname COLLATE "C" DESC');
	my %composite = map { $_->[0] => $_ } rows_of(q{
		SELECT typname, obj_description(oid, 'pg_type') FROM pg_type
		WHERE typtype = 'c' AND oid IN (} . members('pg_type') . q{)
			AND typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')});
	my $text = '';

	foreach (@enums)
	{
		my ($name, $comment, $labels) = @$_;
		my ($intro, @meanings) = split /(?:: |; )(?=\w+(?:, \w+)? = )/, $comment;

		$text .= "\n### Type $name\n\n" . sentence($intro) . " An enum, in this order:\n\n"
		  . join(', ', map { "`$_`" } split /,/, $labels) . ".\n";
		$text .= join '', "\n| value | meaning |\n|---|---|\n", map {
			my ($value, $meaning) = split / = /, $_, 2;
			"| " . join(', ', map { "`$_`" } split /, /, $value) . " | $meaning |\n";
		} @meanings;
	}
	foreach my $row (grep { $_->{kind} eq 'TYPE' } @rows)
	{
		my (undef, $comment) = @{ delete $composite{ $row->{name} } // die "no type $row->{name}\n" };

		$text .= "\n### Type $row->{name}\n\n" . sentence($comment =~ s/; (\w)/. \u$1/r) . "\n"
		  . columns_table(@{ $attributes{ $row->{name} } });
	}
	die "no *_fields.def has: @{[ sort keys %composite ]}\n" if %composite;
	return $text;
}

sub all_views
{
	return join '', map {
		my ($name, $comment, $grantees) = @$_;

		"\n### View $name\n\n" . sentence($comment)
		  . ($grantees eq '' ? ' Granted to nobody at first' : " Granted to `$grantees`") . ".\n" . columns_table(@{ $attributes{$name} });
	} rows_of(q{
		SELECT relname, obj_description(oid, 'pg_class'),
			(SELECT string_agg(CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, ', ')
			 FROM aclexplode(relacl) WHERE grantee <> relowner AND privilege_type = 'SELECT')
		FROM pg_class WHERE relkind = 'v' AND relname NOT IN ('order_gateway_here', 'order_gateway_visible_calls')
			AND oid IN (} . members('pg_class') . ') ORDER BY relname');
}

my %CONTEXT = (postmaster => 'at the start of the server', superuser => 'superusers',
	sighup => 'the configuration, by a reload');

sub allowed
{
	my ($type, $unit, $least, $most) = @_;

	return $type eq 'bool' ? '`on`, `off`' : $type eq 'string' ? 'text' : "$least to $most $unit" =~ s/ $//r;
}

sub all_settings
{
	return join '', "\n| setting | default | allowed | who may change it | what it does |\n|---|---|---|---|---|\n", map {
		my ($name, $default, $context, $short, $extra, @range) = @$_;

		"| `$name` | " . ($default eq '' ? 'empty' : "`$default`") . ' | ' . allowed(@range)
		  . ' | ' . ($CONTEXT{$context} // die "a setting of context $context\n") . ' | '
		  . markdown(join ' ', grep { $_ ne '' } $short, $extra) . " |\n";
	} rows_of(q{
		SELECT name, CASE WHEN unit IS NULL THEN boot_val ELSE current_setting(name) END, context,
			short_desc, extra_desc, vartype, unit, min_val, max_val
		FROM pg_settings WHERE name LIKE 'order_gateway.%' ORDER BY name});
}

# ----
# Between the marks, and examples
# ----

my %shown;      # which ROWs are shown

sub generated
{
	my ($what) = @_;
	my %all = ('list of functions' => \&list_of_functions, functions => \&all_functions, types => \&all_types,
		views => \&all_views, settings => \&all_settings);

	return $all{$what}->() . "\n" if $all{$what};
	my ($name) = $what =~ /^columns of (\w+)$/ or complain("nothing is generated for \"$what\"");
	my $row = $row_named{$name} // complain("no *_fields.def has \"$name\"");
	$shown{$name} = 1;
	return columns_table(@{ $row->{columns} }) . "\n";
}

# A paragraph as a comment in SQL.
sub comment
{
	my ($paragraph) = @_;
	my @lines = ('--');

	$paragraph =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
	$paragraph =~ s/[`*]//g;
	foreach my $word (split ' ', $paragraph)
	{
		push @lines, '--' if length("$lines[-1] $word") > 78;
		$lines[-1] .= " $word";
	}
	return join '', map { "$_\n" } @lines;
}

# The examples: by name of a file, the blocks of code that belong to it, each with
# the paragraph before it.
sub examples
{
	my ($name, $text, $examples) = @_;
	my ($heading, $paragraph, $code, $into, $indent) = ('', '');
	my %last;       # by file, the heading that was told last

	foreach (split /^/, $text)
	{
		if (defined $code)
		{
			if (!/^\s*```$/) { $code .= s/^$indent//r; next; }
			if (!defined $into) { undef $code; next; }
			$examples->{$into} //= "/* examples/$into: made of $name by \"make docs\" */\n";
			$examples->{$into} .= "\n-- ----\n-- $heading\n-- ----\n" if ($last{$into} // '') ne $heading;
			$examples->{$into} .= "\n" . comment($paragraph) . $code;
			$last{$into} = $heading;
			undef $_ foreach $code, $into;
			$paragraph = '';
		}
		elsif (/^#+ (.*)$/) { ($heading, $paragraph) = ($1, ''); }
		elsif (/^\s*<!-- recipe: \S+, (\w+\.sql) -->$/) { $into = $1; }
		elsif (/^(\s*)```/) { ($indent, $code) = ($1, ''); }
		elsif (/^\s*$/) { $paragraph .= "\n"; }
		elsif (!defined $into) { $paragraph = '' if $paragraph =~ /\n\n$/; $paragraph .= $_; }
	}
	return;
}

read_all_fields();
read_functions();
read_attributes();

my (%text_of, @stale, %examples);
foreach my $name (map { substr $_, 1 + length $top }
	sort glob "\"$top\"/*.md \"$top\"/docs/*.md \"$top\"/docs/*/*.md")
{
	($text_of{$name}, my @found) = regenerate($name, qr/^<!-- (.*) -->$/, \&generated);
	push @stale, @found;
	examples($name, $text_of{$name}, \%examples);
}
foreach my $row (grep { $_->{kind} eq 'ROW' && $_->{name} =~ /^(?:call|preview|check|settling)$/ } @rows)
{
	die "$row->{file}: no document shows $row->{name}: give it the lines\n"
	  . "<!-- generated: columns of $row->{name} -->\n<!-- end of generated -->\n"
	  if !$shown{ $row->{name} };
}
my @unasked = unasked_arguments();
die map { "$_: no function has such an argument\n" } @unasked if @unasked;
foreach my $name (sort keys %examples)
{
	$text_of{"examples/$name"} = $examples{$name};
	push @stale, "examples/$name" if !-e "$top/examples/$name" || slurp("examples/$name") ne $examples{$name};
}

if ($checks && @stale)
{
	print "$_: not what catalog and fields say\n" foreach @stale;
	print "run \"make docs\", and commit what it writes\n";
	exit 1;
}
foreach my $name ($checks ? () : sort keys %text_of)
{
	next if -e "$top/$name" && slurp($name) eq $text_of{$name};
	put($name, $text_of{$name});
	print "wrote $name\n";
}
