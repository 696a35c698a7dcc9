package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cross-account-s3/policy"
	"cross-account-s3/trail"
)

const (
	accountA = "123456789012"
	accountB = "987654321098"
	role     = "arn:aws:iam::123456789012:role/app/R"
	bucket   = "arn:aws:s3:::b"
)

// judges are compiled once: that takes longer than everything else here.
var judges = sync.OnceValues(func() (*policy.Rules, error) { return policy.NewRules(context.Background()) })

var engines = sync.OnceValues(func() (*policy.Engine, error) { return policy.New(context.Background()) })

// stack is the export of a stack whose resources are given as type, name and inputs.
func stack(t *testing.T, name, account string, resources ...map[string]any) policy.File {
	t.Helper()
	provider := "urn:pulumi:" + name + "::p::pulumi:providers:aws::default"
	all := []any{map[string]any{
		"urn": provider, "type": "pulumi:providers:aws", "inputs": map[string]any{"allowedAccountIds": `["` + account + `"]`},
	}}
	for _, resource := range resources {
		resource["urn"] = fmt.Sprintf("urn:pulumi:%s::p::%s::%s", name, resource["type"], resource["name"])
		resource["provider"] = provider + "::1"
		all = append(all, resource)
	}
	text, err := json.Marshal(map[string]any{"version": 3, "deployment": map[string]any{"resources": all}})
	if err != nil {
		t.Fatal(err)
	}
	read, err := policy.ReadStack(name, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return read.File
}

func resource(kind, name string, inputs map[string]any) map[string]any {
	return map[string]any{"type": kind, "name": name, "inputs": inputs}
}

func written(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

// roleWith is a role with an inline policy.
func roleWith(statements string) []map[string]any {
	return []map[string]any{
		{
			"type": "aws:iam/role:Role", "name": "role",
			"inputs":  map[string]any{"name": "R", "path": "/app/", "assumeRolePolicy": written(`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}`)},
			"outputs": map[string]any{"arn": role, "uniqueId": "AROAX"},
		},
		resource("aws:iam/rolePolicy:RolePolicy", "access", map[string]any{"role": "R", "name": "access", "policy": written(statements)}),
	}
}

func bucketWith(statements string) map[string]any {
	return resource("aws:s3/bucketPolicy:BucketPolicy", "bucket", map[string]any{"bucket": "b", "policy": written(statements)})
}

const (
	useObjects = `{"Sid":"Use","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}`
	letIn      = `{"Sid":"Let","Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}`
)

// record is a call of S3 by the role, as the bucket's owner sees it, changed by edits.
func record(at, name, key string, edits ...func(*trail.Record)) *trail.Record {
	when, err := time.Parse(time.RFC3339, at+"T12:00:00Z")
	if err != nil {
		when = time.Time{}
	}
	r := &trail.Record{
		Time: when, Source: "s3.amazonaws.com", Name: name, Type: "AwsApiCall", Category: "Data", Region: "us-east-1",
		Recipient: accountB, ReadOnly: !strings.HasPrefix(name, "Put") && !strings.HasPrefix(name, "Delete"),
		Resources: []trail.Resource{{ARN: bucket + "/" + key}, {ARN: bucket, Account: accountB, Type: "AWS::S3::Bucket"}},
		SourceIP:  "203.0.113.7",
	}
	r.Request.Bucket, r.Request.Key = "b", ""
	set(&r.Request.Key, key)
	r.TLS.Version = "TLSv1.3"
	r.Identity = trail.Identity{
		Type: "AssumedRole", PrincipalID: "AROAX:s", ARN: "arn:aws:sts::123456789012:assumed-role/R/s", Account: accountA,
	}
	r.Identity.Session.Issuer.ARN = role
	for _, edit := range edits {
		edit(r)
	}
	return r
}

func set[T ~string](into *T, value string) { *into = T(value) }

func refused(r *trail.Record) { r.ErrorCode, r.ErrorMessage = "AccessDenied", "Access Denied" }

func failed(r *trail.Record) { r.ErrorCode = "SlowDown" }

func hidden(r *trail.Record) {
	r.Identity = trail.Identity{Type: "AWSAccount", PrincipalID: "AROAY:s", Account: accountA}
}

func unnamed(r *trail.Record) { // but with the role's id
	r.Identity = trail.Identity{Type: "AWSAccount", PrincipalID: "AROAX:s", Account: accountA}
}

func stranger(r *trail.Record) {
	r.Identity.ARN, r.Identity.PrincipalID = "arn:aws:sts::123456789012:assumed-role/S/s", "AROAZ:s"
	r.Identity.Session.Issuer.ARN = "arn:aws:iam::123456789012:role/S"
}

// called is a call of another service by somebody else of the role's account.
func called(at, service, name string) *trail.Record {
	return record(at, name, "", stranger, func(r *trail.Record) {
		r.Source, r.Resources, r.Recipient, r.ReadOnly = service+".amazonaws.com", nil, accountA, name == "DescribeKey"
	})
}

func elsewhere(r *trail.Record) { r.Request.Bucket = "other" }

// judged audits records by two counters, so that they are merged.
func judged(t *testing.T, options Options, records []*trail.Record, files ...policy.File) (*Report, error) {
	t.Helper()
	rules, err := judges()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := engines()
	if err != nil {
		t.Fatal(err)
	}
	audit, err := New(t.Context(), rules, engine, options, files...)
	if err != nil {
		t.Fatal(err)
	}
	counters := []*Counter{audit.Counter(), audit.Counter()}
	for i, one := range records {
		counters[i%2].Take(one)
	}
	return audit.Report(t.Context(), counters...)
}

// lines are what a report says, as "principal: status actions".
func lines(report *Report) []string {
	var all []string
	for _, principal := range report.Principals {
		name := principal.Name[strings.LastIndexAny(principal.Name, "/:")+1:]
		for _, grant := range principal.Grants {
			line := fmt.Sprintf("%s: %s %s", name, grant.Status, strings.Join(grant.Actions, " "))
			if grant.Records > 0 {
				line += fmt.Sprintf(" x%d", grant.Records)
			}
			all = append(all, line)
		}
		for _, denial := range principal.Denied {
			all = append(all, fmt.Sprintf("%s: denied %s x%d %s", name, denial.Action, denial.Records, denial.Decision))
		}
		for _, other := range principal.Other {
			all = append(all, fmt.Sprintf("%s: other %s x%d", name, other.Action, other.Records))
		}
	}
	return all
}

func TestStatus(t *testing.T) {
	const day, before = "2026-08-10", "2026-07-01"
	since, err := time.Parse(time.DateOnly, "2026-08-01")
	if err != nil {
		t.Fatal(err)
	}
	// These show that both reading and writing the bucket was recorded since before the date.
	shown := []*trail.Record{record(before, "GetObject", "a", stranger), record(before, "PutObject", "a", stranger)}
	for name, test := range map[string]struct {
		statements string
		options    Options
		records    []*trail.Record
		want       []string
		why        string
	}{
		"used":                     {useObjects, Options{Since: since}, append(shown, record(day, "GetObject", "a"), record(day, "PutObject", "a")), []string{"R: used s3:GetObject x1", "R: used s3:PutObject x1"}, ""},
		"by its unique id":         {useObjects, Options{}, []*trail.Record{record(day, "GetObject", "a", unnamed), record(day, "PutObject", "a", unnamed)}, []string{"R: used s3:GetObject x1", "R: used s3:PutObject x1"}, ""},
		"never":                    {useObjects, Options{Since: since}, append(shown, record(day, "HeadObject", "a")), []string{"R: used s3:GetObject x1", "R: unused s3:PutObject"}, ""},
		"before the date":          {useObjects, Options{Since: since}, append(shown, record(before, "GetObject", "a")), []string{"R: unused s3:GetObject", "R: unused s3:PutObject"}, "last used on 2026-07-01"},
		"what was not there":       {useObjects, Options{Since: since}, append(shown, record(day, "GetObject", "a", func(r *trail.Record) { r.ErrorCode = "NoSuchKey" })), []string{"R: used s3:GetObject x1", "R: unused s3:PutObject"}, ""},
		"nothing of the bucket":    {useObjects, Options{Since: since}, []*trail.Record{record(before, "GetObject", "a", elsewhere)}, []string{"R: undetermined s3:GetObject", "R: undetermined s3:PutObject"}, "there is no data event that reads of the bucket b"},
		"only what reads":          {useObjects, Options{}, []*trail.Record{record(day, "GetObject", "a")}, []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "there is no data event that writes of the bucket b"},
		"another account's trail":  {useObjects, Options{}, []*trail.Record{record(day, "PutObject", "a", stranger, func(r *trail.Record) { r.Recipient = "111122223333" }), record(day, "GetObject", "a")}, []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "no data event that writes"},
		"it is known":              {useObjects, Options{Recorded: []string{"b"}}, []*trail.Record{record(day, "GetObject", "a")}, []string{"R: used s3:GetObject x1", "R: unused s3:PutObject"}, ""},
		"records that begin late":  {useObjects, Options{Since: since}, []*trail.Record{record(day, "GetObject", "a"), record(day, "PutObject", "a", stranger)}, []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "begin on 2026-08-10, and say nothing of the time before"},
		"records of that day":      {useObjects, Options{Since: since}, []*trail.Record{record("2026-08-01", "GetObject", "a"), record("2026-08-01", "PutObject", "a", stranger)}, []string{"R: used s3:GetObject x1", "R: unused s3:PutObject"}, ""},
		"known but begun late":     {useObjects, Options{Since: since, Recorded: []string{"b"}}, []*trail.Record{record(day, "GetObject", "a")}, []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "begin on 2026-08-10"},
		"kept":                     {useObjects, Options{Keep: []string{"S3:put*"}}, []*trail.Record{record(day, "GetObject", "a")}, []string{"R: used s3:GetObject x1", "R: kept s3:PutObject"}, ""},
		"a principal that is kept": {useObjects, Options{Keep: []string{"*:role/app/*"}}, []*trail.Record{record(day, "GetObject", "a")}, []string{"R: used s3:GetObject x1", "R: kept s3:PutObject"}, ""},
		"denied":                   {useObjects, Options{}, append(shown, record(day, "GetObject", "a"), record(day, "PutObject", "a", refused)), []string{"R: used s3:GetObject x1", "R: blocked s3:PutObject", "R: denied s3:PutObject x1 ImplicitlyDenied"}, "asked for 1 time, and always denied"},
		"failed":                   {useObjects, Options{}, append(shown, record(day, "GetObject", "a"), record(day, "PutObject", "a", failed)), []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "asked for 1 time, which failed"},
		"by who is not told, but used": {useObjects, Options{}, []*trail.Record{record(day, "GetObject", "a"), record(day, "PutObject", "a"), record(day, "PutObject", "a", hidden, func(r *trail.Record) { r.Identity.PrincipalID = "" })},
			[]string{"R: used s3:GetObject x1", "R: used s3:PutObject x1"}, ""},
		"somebody with another id": {useObjects, Options{}, append(shown, record(day, "GetObject", "a"), record(day, "PutObject", "a", hidden)),
			[]string{"R: used s3:GetObject x1", "R: unused s3:PutObject"}, ""},
		"by who is not told":       {useObjects, Options{}, append(shown, record(day, "GetObject", "a"), record(day, "PutObject", "a", hidden, func(r *trail.Record) { r.Identity.PrincipalID = "" })), []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "1 access like it, of which the records do not tell which role"},
		"a call that is not known": {useObjects, Options{}, append(shown, record(day, "GetObject", "a"), record(day, "PutAnything", "a")), []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "calls whose action is not known: s3:PutAnything"},
		"another bucket":           {useObjects, Options{}, append(shown, record(day, "GetObject", "a", elsewhere), record(day, "PutObject", "a")), []string{"R: used s3:PutObject x1", "R: unused s3:GetObject", "R: other s3:GetObject x1"}, ""},
		"outside the prefix": {strings.Replace(useObjects, "b/*", "b/in/*", 1), Options{}, append(shown, record(day, "GetObject", "out/a"), record(day, "PutObject", "in/a")),
			[]string{"R: used s3:PutObject x1", "R: unused s3:GetObject", "R: other s3:GetObject x1"}, ""},
		"objects that are not told": {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"s3:DeleteObject"`, 1), Options{}, []*trail.Record{record(day, "DeleteObjects", "")}, []string{"R: used s3:DeleteObject x1"}, ""},
		"a pattern of actions": {strings.Replace(useObjects, `["s3:GetObject","s3:PutObject"]`, `"s3:GetObjectT*"`, 1), Options{}, append(shown, record(day, "GetObjectTagging", "a")),
			[]string{"R: used s3:GetObjectTagging x1", "R: unused s3:GetObjectTorrent"}, ""},
		"all but some":        {strings.Replace(useObjects, `"Action":["s3:GetObject",`, `"NotAction":["s3:GetObject",`, 1), Options{}, append(shown, record(day, "DeleteObject", "a")), []string{"R: used s3:DeleteObject x1"}, ""},
		"all but some, never": {strings.Replace(useObjects, `"Action":["s3:GetObject",`, `"NotAction":["s3:GetObject",`, 1), Options{}, append(shown, record(day, "GetObject", "a")), []string{"R: unused s3:GetObject s3:PutObject", "R: other s3:GetObject x1"}, ""},
		"all other objects":   {strings.Replace(useObjects, `"Resource":"arn:aws:s3:::b/*"`, `"NotResource":"arn:aws:s3:::b/secret/*"`, 1), Options{}, append(shown, record(day, "GetObject", "a"), record(day, "PutObject", "secret/a")), []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject", "R: other s3:PutObject x1"}, "it is not about certain buckets"},
		"any bucket":          {strings.Replace(useObjects, `arn:aws:s3:::b/*`, `*`, 1), Options{}, append(shown, record(day, "GetObject", "a")), []string{"R: used s3:GetObject x1", "R: undetermined s3:PutObject"}, "it is not about certain buckets"},
		"a variable":          {strings.Replace(useObjects, `b/*`, `b/${aws:username}/*`, 1), Options{}, append(shown, record(day, "GetObject", "u/a"), record(day, "PutObject", "u/a")), []string{"R: used s3:GetObject x1", "R: used s3:PutObject x1"}, ""},
		"an unknown service":  {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"logs:PutLogEvents"`, 1), Options{}, shown, []string{"R: undetermined logs:PutLogEvents"}, "whether CloudTrail records it is not known"},
		"a pattern of an unknown service": {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"logs:*"`, 1), Options{},
			append(shown, record(day, "CreateLogStream", "", func(r *trail.Record) { r.Source, r.Resources = "logs.amazonaws.com", nil })),
			[]string{"R: used logs:CreateLogStream x1", "R: undetermined logs:*"}, "whether CloudTrail records it is not known"},
		"KMS, left out": {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"kms:Decrypt"`, 1), Options{},
			append(shown, called(day, "sts", "GetCallerIdentity")), []string{"R: undetermined kms:Decrypt"}, "there are no records of the calls of KMS"},
		"KMS": {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"kms:Decrypt"`, 1), Options{},
			append(shown, called(day, "kms", "DescribeKey")), []string{"R: unused kms:Decrypt"}, ""},
		"messages, left out": {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"sqs:SendMessage"`, 1), Options{},
			append(shown, called(day, "sqs", "CreateQueue")), []string{"R: undetermined sqs:SendMessage"}, "there are no records of the data events of sqs"},
		"messages": {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"sqs:SendMessage"`, 1), Options{},
			append(shown, called(day, "sqs", "DeleteMessage")), []string{"R: unused sqs:SendMessage"}, ""},
		"management":           {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"s3:GetBucketPolicy"`, 1), Options{}, shown, []string{"R: undetermined s3:GetBucketPolicy"}, "there are no records of management events"},
		"management, recorded": {strings.Replace(useObjects, `"s3:GetObject","s3:PutObject"`, `"s3:GetBucketPolicy"`, 1), Options{}, append(shown, record(day, "GetBucketVersioning", "", stranger)), []string{"R: unused s3:GetBucketPolicy"}, ""},
		"a copy":               {useObjects, Options{}, append(shown, record(day, "CopyObject", "a", func(r *trail.Record) { r.Request.CopySource = "/b/x" })), []string{"R: used s3:GetObject x1", "R: used s3:PutObject x1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := judged(t, test.options, test.records,
				stack(t, "a", accountA, roleWith(test.statements)...), stack(t, "b", accountB, bucketWith(`{"Effect":"Deny","Principal":"*","Action":"s3:BypassGovernanceRetention","Resource":"arn:aws:s3:::b/*"}`)))
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(lines(report), func(line string) bool {
				return strings.HasPrefix(line, "S: ") || strings.Contains(line, "account "+accountA)
			})
			if !slices.Equal(got, test.want) {
				t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			var text strings.Builder
			if err := report.Text(&text); err != nil || !strings.Contains(text.String(), test.why) {
				t.Errorf("%v\n%s\nwant %s", err, &text, test.why)
			}
			if undetermined := strings.Contains(strings.Join(test.want, " "), "undetermined"); report.Undetermined() != undetermined ||
				strings.HasPrefix(text.String(), "UNDETERMINED") != undetermined {
				t.Errorf("undetermined: %t, want %t\n%s", report.Undetermined(), undetermined, &text)
			}
		})
	}
}
