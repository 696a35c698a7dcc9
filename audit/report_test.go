package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cross-account-s3/policy"
	"cross-account-s3/trail"
)

func both(t *testing.T, statements, bucketStatements string) []policy.File {
	t.Helper()
	return []policy.File{stack(t, "a", accountA, roleWith(statements)...), stack(t, "b", accountB, bucketWith(bucketStatements))}
}

func TestHolders(t *testing.T) {
	const day = "2026-08-10"
	user := func(r *trail.Record) {
		r.Identity = trail.Identity{Type: "IAMUser", ARN: "arn:aws:iam::" + accountA + ":user/u", Account: accountA}
	}
	service := func(r *trail.Record) {
		r.Identity = trail.Identity{Type: "AWSService", InvokedBy: "logging.s3.amazonaws.com"}
	}
	provider := func(r *trail.Record) {
		r.Identity = trail.Identity{Type: "WebIdentityUser", Provider: "arn:aws:iam::123456789012:oidc-provider/idp.example.com"}
	}
	anonymous := func(r *trail.Record) { r.Identity = trail.Identity{Type: "AWSAccount", Account: "anonymous"} }
	of := func(principal string) string {
		return `{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	}
	for name, test := range map[string]struct {
		principal string
		by        func(*trail.Record)
		holder    string
		status    Status
	}{
		"a role":                  {`{"AWS":"` + role + `"}`, func(*trail.Record) {}, role, Used},
		"another role":            {`{"AWS":"` + role + `"}`, stranger, role, Unused},
		"a session":               {`{"AWS":"arn:aws:sts::123456789012:assumed-role/R/s"}`, func(*trail.Record) {}, "arn:aws:sts::123456789012:assumed-role/R/s", Used},
		"a role that was deleted": {`{"AWS":"AROAX"}`, func(*trail.Record) {}, "AROAX", Used},
		"a user":                  {`{"AWS":["arn:aws:iam::123456789012:user/u"]}`, user, "arn:aws:iam::123456789012:user/u", Used},
		"an account":              {`{"AWS":"123456789012"}`, user, "arn:aws:iam::123456789012:root", Used},
		"an account's root":       {`{"AWS":"arn:aws:iam::123456789012:root"}`, hidden, "arn:aws:iam::123456789012:root", Used},
		"another account":         {`{"AWS":"111122223333"}`, user, "arn:aws:iam::111122223333:root", Unused},
		"everybody":               {`"*"`, anonymous, "*", Used},
		"everybody of AWS":        {`{"AWS":"*"}`, anonymous, "*", Used},
		"a service":               {`{"Service":"logging.s3.amazonaws.com"}`, service, "logging.s3.amazonaws.com", Used},
		"an identity provider":    {`{"Federated":"arn:aws:iam::123456789012:oidc-provider/idp.example.com"}`, provider, "arn:aws:iam::123456789012:oidc-provider/idp.example.com", Used},
		"another provider":        {`{"Federated":"arn:aws:iam::123456789012:oidc-provider/idp.example.org"}`, provider, "arn:aws:iam::123456789012:oidc-provider/idp.example.org", Undetermined},
		"another service":         {`{"Service":"logging.s3.amazonaws.com"}`, user, "logging.s3.amazonaws.com", Undetermined},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := judged(t, Options{}, []*trail.Record{record(day, "GetObject", "a", test.by)}, stack(t, "b", accountB, bucketWith(of(test.principal))))
			if err != nil {
				t.Fatal(err)
			}
			index := slices.IndexFunc(report.Principals, func(p Principal) bool { return p.Name == test.holder })
			if index < 0 || len(report.Principals[index].Grants) != 1 || report.Principals[index].Grants[0].Status != test.status {
				t.Errorf("%+v", report.Principals)
			}
		})
	}
	t.Run("its own account", func(t *testing.T) {
		_, err := judged(t, Options{}, []*trail.Record{record(day, "GetObject", "a")}, stack(t, "b", accountB, bucketWith(of(`{"AWS":"`+accountB+`"}`))))
		if err == nil || !strings.Contains(err.Error(), "no policy that grants anything") {
			t.Errorf("to name its own account grants nothing: %v", err)
		}
	})
}

func TestDenied(t *testing.T) {
	const day = "2026-08-10"
	deny := `,{"Sid":"NoHTTP","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	from := func(condition string) string {
		return strings.Replace(letIn, `"Resource"`, `"Condition":{`+condition+`},"Resource"`, 1)
	}
	for name, test := range map[string]struct {
		own, bucket string
		edit        func(*trail.Record)
		want        []string
	}{
		"the bucket's half": {useObjects, strings.Replace(letIn, "app/R", "app/Q", 1), nil,
			[]string{"Denied (implicit): the resource policy does not allow it", `it names the principal "arn:aws:iam::123456789012:role/app/Q"`}},
		"the role's half": {strings.Replace(useObjects, "s3:PutObject", "s3:PutObjectAcl", 1), letIn, nil,
			[]string{"Denied (implicit): the identity policy does not allow it", `"s3:PutObject"`}},
		"plain http": {useObjects, letIn + deny, func(r *trail.Record) { r.TLS.Version = ""; set(&r.More.SignatureVersion, "SigV4") },
			[]string{`Denied (explicit) by resource policy, statement 1 (Sid "NoHTTP")`}},
		"https, of which the record tells little": {useObjects, letIn + deny, func(r *trail.Record) { r.TLS.Version = "" },
			[]string{"The policies of the stacks allow it"}},
		"the address": {useObjects, from(`"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}`), nil, []string{`"203.0.113.7"`}},
		"the endpoint": {useObjects, from(`"StringEquals":{"aws:SourceVpce":"vpce-1"}`), func(r *trail.Record) { r.VPCEndpoint = "vpce-2" },
			[]string{`"vpce-2"`}},
		"the address behind the endpoint": {useObjects, from(`"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}`), func(r *trail.Record) { r.VPCEndpoint = "vpce-2" },
			[]string{`aws:VpcSourceIp asks for "10.0.0.0/8" and the request has "203.0.113.7"`}},
		"the prefix": {strings.Replace(useObjects, `"Resource":"arn:aws:s3:::b/*"`, `"Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"in/*"}}`, 1), letIn,
			func(r *trail.Record) {
				set(&r.Request.Prefix, "out/")
				r.ErrorMessage = `User: x is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b" because of it`
			}, []string{`its condition StringLike s3:prefix asks for "in/*" and the request has "out/"`}},
		"the path of a role that the stacks do not have": {useObjects, strings.Replace(from(`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/x/S"}`), `"`+role+`"`, `"*"`, 1),
			func(r *trail.Record) {
				stranger(r)
				r.Identity.Session.Issuer.ARN = "arn:aws:iam::123456789012:role/y/S"
			},
			[]string{`and the request has "arn:aws:iam::123456789012:role/y/S"`}},
		"the role's path":    {useObjects, from(`"ArnEquals":{"aws:PrincipalArn":"` + role + `"}`), nil, []string{"The policies of the stacks allow it"}},
		"the version of TLS": {useObjects, from(`"NumericGreaterThan":{"s3:TlsVersion":"1.3"}`), nil, []string{`the request has "1.3"`}},
		"another bucket": {useObjects, letIn, elsewhere,
			[]string{`Denied (implicit): the identity policy does not allow it`, `"arn:aws:s3:::other/in/k"`}},
		"somebody else": {useObjects, letIn, stranger,
			[]string{"Denied (implicit): the resource policy does not allow it", "assumed-role/S/s"}},
		"somebody of the account": {useObjects, letIn, hidden, []string{"AROAY of account 123456789012", "The record does not tell who of the account it was."}},
		"what AWS says": {useObjects, letIn, func(r *trail.Record) {
			r.ErrorMessage = `User: x is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/in/k" with an explicit deny in a service control policy`
		}, []string{"The policies of the stacks allow it", "AWS says: explicit deny in a service control policy"}},
		"another action": {useObjects, letIn, func(r *trail.Record) {
			r.ErrorMessage = `User: x is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:987654321098:key/k because no identity-based policy allows the action`
		}, []string{"denied        kms:GenerateDataKey, once", "on arn:aws:kms:us-east-1:987654321098:key/k", "the identity policy does not allow it"}},
	} {
		t.Run(name, func(t *testing.T) {
			edit := func(r *trail.Record) {
				if test.edit != nil {
					test.edit(r)
				}
			}
			report, err := judged(t, Options{Recorded: []string{"b"}}, []*trail.Record{
				record(day, "GetObject", "in/k"), record(day, "PutObject", "in/k", refused, edit),
			}, both(t, test.own, test.bucket)...)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if err := report.Text(&text); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(text.String(), want) {
					t.Errorf("%s\nwant %s", &text, want)
				}
			}
			if report.Denied() != 1 {
				t.Errorf("%d denied, want 1", report.Denied())
			}
		})
	}
}

func TestDeniedTogether(t *testing.T) {
	var records []*trail.Record
	for i := range 7 {
		records = append(records, record("2026-08-10", "GetObject", fmt.Sprintf("in/%d", i), refused))
	}
	records = append(records, record("2026-08-09", "GetObject", "out/1", refused), record("2026-08-11", "PutObject", "in/9", refused))
	for i := range maxExplained {
		records = append(records, record("2026-08-10", "GetObject", fmt.Sprintf("many/%d/x", i), refused))
	}
	report, err := judged(t, Options{Recorded: []string{"b"}}, records, both(t, useObjects, letIn)...)
	if err != nil {
		t.Fatal(err)
	}
	all := report.Principals[0].Denied
	if len(all) != maxExplained || all[0].Records != 7 || all[0].Within != "arn:aws:s3:::b/in/*" || all[0].Resource != "arn:aws:s3:::b/in/0" {
		t.Errorf("%d kinds, the first %+v", len(all), all[0])
	}
	var text strings.Builder
	if err := report.Text(&text); err != nil || strings.Count(text.String(), "denied  ") != maxDenied ||
		!strings.Contains(text.String(), fmt.Sprintf("%d more, which --format json lists", maxExplained-maxDenied)) {
		t.Errorf("%v\n%s", err, &text)
	}
	if len(report.Open) != 1 || !strings.Contains(report.Open[0], "3 kinds of denied accesses are not explained") {
		t.Errorf("%v", report.Open)
	}
}

func TestNarrower(t *testing.T) {
	const day = "2026-08-10"
	statement := func(actions, resources string) string {
		return `{"Effect":"Allow","Action":` + actions + `,"Resource":` + resources + `}`
	}
	const objects = `"arn:aws:s3:::b/*"`
	use := func(calls ...string) []*trail.Record {
		records := []*trail.Record{record(day, "GetObject", "seen", stranger), record(day, "PutObject", "seen", stranger)}
		for _, call := range calls {
			name, key, _ := strings.Cut(call, " ")
			records = append(records, record(day, name, key))
		}
		return records
	}
	for name, test := range map[string]struct {
		statements string
		records    []*trail.Record
		want       string // empty for no change, "gone" for nothing left
	}{
		"all used":                       {statement(`["s3:GetObject","s3:PutObject"]`, objects), use("GetObject k", "PutObject k"), ""},
		"an action":                      {statement(`["s3:GetObject","s3:PutObject"]`, objects), use("GetObject k"), statement(`"s3:GetObject"`, objects)},
		"a statement":                    {statement(`"s3:GetObject"`, objects) + "," + statement(`"s3:PutObject"`, objects), use("GetObject k"), statement(`"s3:GetObject"`, objects)},
		"nothing left":                   {statement(`"s3:GetObject"`, objects), use(), "gone"},
		"a pattern":                      {statement(`"s3:GetObjectT*"`, objects), use("GetObjectTagging k"), statement(`"s3:GetObjectTagging"`, objects)},
		"a pattern that is not settled":  {statement(`["s3:GetObject","logs:*"]`, objects), append(use("GetObject k"), called(day, "logs", "CreateLogStream")), ""},
		"a pattern that is half settled": {statement(`["s3:PutObject","s3:*Acl"]`, objects), use("PutObject k", "GetObjectAcl k"), ""},
		"what is not settled":            {statement(`["s3:GetObject","logs:PutLogEvents"]`, objects), use("GetObject in/k"), ""},
		"a directory":                    {statement(`"s3:GetObject"`, objects), use("GetObject in/a/k", "GetObject in/b/k"), statement(`"s3:GetObject"`, `"arn:aws:s3:::b/in/*"`)},
		"two directories":                {statement(`"s3:GetObject"`, objects), use("GetObject in/k", "GetObject out/k"), statement(`"s3:GetObject"`, `["arn:aws:s3:::b/in/*","arn:aws:s3:::b/out/*"]`)},
		"one directory deeper":           {statement(`"s3:GetObject"`, `"arn:aws:s3:::b/in/*"`), use("GetObject in/a/b/k"), statement(`"s3:GetObject"`, `"arn:aws:s3:::b/in/a/*"`)},
		"the root too":                   {statement(`"s3:GetObject"`, objects), use("GetObject in/k", "GetObject k"), ""},
		"too many directories":           {statement(`"s3:GetObject"`, objects), use("GetObject 1/k", "GetObject 2/k", "GetObject 3/k", "GetObject 4/k", "GetObject 5/k", "GetObject 6/k"), ""},
		"objects not told":               {statement(`"s3:DeleteObject"`, objects), use("DeleteObjects -"), ""},
		"a resource":                     {statement(`"s3:GetObject"`, `["arn:aws:s3:::b/in/*","arn:aws:s3:::b/out/*"]`), use("GetObject in/k"), statement(`"s3:GetObject"`, `"arn:aws:s3:::b/in/*"`)},
		"a denial stays": {statement(`"s3:GetObject"`, objects) + `,{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"},` + statement(`"s3:PutObject"`, objects), use("GetObject k"),
			statement(`"s3:GetObject"`, objects) + `,{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}`},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := judged(t, Options{}, test.records, stack(t, "a", accountA, roleWith(test.statements)...),
				stack(t, "b", accountB, bucketWith(`{"Effect":"Deny","Principal":"*","Action":"s3:BypassGovernanceRetention","Resource":"arn:aws:s3:::b/*"}`)))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case test.want == "":
				if len(report.Narrower) != 0 {
					t.Errorf("%s, want no change", report.Narrower[0].Policy)
				}
			case len(report.Narrower) != 1:
				t.Errorf("%d policies could be narrower, want 1", len(report.Narrower))
			case test.want == "gone":
				if report.Narrower[0].Policy != nil {
					t.Errorf("%s, want nothing", report.Narrower[0].Policy)
				}
			default:
				var got, want any
				if err := json.Unmarshal(report.Narrower[0].Policy, &got); err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal([]byte(written(test.want)), &want); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s\nwant\n%s", report.Narrower[0].Policy, written(test.want))
				}
			}
		})
	}
}

// In a preview no role has an id yet: an access that tells only an id may be of any role of the account.
func TestUnidentified(t *testing.T) {
	role := roleWith(useObjects)
	delete(role[0], "outputs")
	report, err := judged(t, Options{Recorded: []string{"b"}}, []*trail.Record{record("2026-08-10", "GetObject", "k", hidden)}, stack(t, "a", accountA, role...))
	if err != nil || report.Count(Undetermined) != 1 || report.Count(Unused) != 1 {
		t.Errorf("%v, %+v", err, report)
	}
}

// A statement for two principals keeps what either of them uses.
func TestNarrowerForTwo(t *testing.T) {
	two := strings.Replace(letIn, `{"AWS":"`+role+`"}`, `{"AWS":["`+role+`","arn:aws:iam::123456789012:role/S"]}`, 1)
	report, err := judged(t, Options{}, []*trail.Record{
		record("2026-08-10", "GetObject", "k"), record("2026-08-10", "PutObject", "k", stranger),
	}, stack(t, "b", accountB, bucketWith(two)))
	if err != nil || len(report.Narrower) != 0 || report.Count(Unused) != 2 {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestManaged(t *testing.T) {
	const arn = "arn:aws:iam::123456789012:policy/access"
	managed := resource("aws:iam/policy:Policy", "managed", map[string]any{"name": "access", "policy": written(useObjects)})
	attach := func(arn string) map[string]any {
		return resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attach", map[string]any{"role": "R", "policyArn": arn})
	}
	deny := `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::c/*"}`
	records := []*trail.Record{record("2026-08-10", "GetObject", "k"), record("2026-08-10", "PutObject", "k", refused)}
	for name, test := range map[string]struct {
		resources []map[string]any
		want      []string
		open      string
	}{
		"attached": {append(roleWith(deny), managed, attach(arn)),
			[]string{"R: used s3:GetObject x1", "R: blocked s3:PutObject", "R: denied s3:PutObject x1 Allowed"}, ""},
		"not attached": {append(roleWith(deny), managed),
			[]string{"R: used s3:GetObject x1", "R: blocked s3:PutObject", "R: denied s3:PutObject x1 ImplicitlyDenied"}, ""},
		"not in the stacks": {append(roleWith(deny), attach("arn:aws:iam::aws:policy/ReadOnlyAccess")),
			[]string{"R: used s3:GetObject x1", "R: blocked s3:PutObject", "R: denied s3:PutObject x1 Undetermined"},
			"what the managed policy arn:aws:iam::aws:policy/ReadOnlyAccess grants to the role " + role + " is not in the stacks"},
		"not known yet": {append(roleWith(deny), attach("04da6b54-80e4-46f7-96ec-b56ff0331ba9")),
			[]string{"R: used s3:GetObject x1", "R: blocked s3:PutObject", "R: denied s3:PutObject x1 Undetermined"}, "that is not known yet grants"},
		"a policy that is not shown": {append(roleWith(deny), resource("aws:iam/rolePolicy:RolePolicy", "secret", map[string]any{"role": "R", "policy": "[secret]"})),
			[]string{"R: used s3:GetObject x1", "R: blocked s3:PutObject", "R: denied s3:PutObject x1 Undetermined"}, "the identity policy secret of stack a cannot be judged: it is not known yet, or secret"},
		"a policy of a role that is not known yet": {append(roleWith(deny), resource("aws:iam/rolePolicy:RolePolicy", "whose", map[string]any{"role": "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "policy": written(useObjects)})),
			[]string{"R: used s3:GetObject x1"}, "whose the identity policy whose of stack a is, is not known yet"},
		"a policy that is malformed": {append(roleWith(deny), resource("aws:iam/rolePolicy:RolePolicy", "bad", map[string]any{"role": "R", "policy": `{"Statement":[]}`})),
			[]string{"R: used s3:GetObject x1", "R: blocked s3:PutObject", "R: denied s3:PutObject x1 Undetermined"}, "the identity policy bad of stack a cannot be judged"},
	} {
		t.Run(name, func(t *testing.T) {
			// The bucket lets the role in by its account, so that its own policies decide.
			in := strings.Replace(letIn, role, accountA, 1)
			report, err := judged(t, Options{Recorded: []string{"b"}}, records, stack(t, "a", accountA, test.resources...), stack(t, "b", accountB, bucketWith(in)))
			if err != nil {
				t.Fatal(err)
			}
			got := lines(report)
			for _, line := range test.want {
				if !slices.Contains(got, line) && !slices.Contains(got, strings.Replace(line, "R:", "root:", 1)) {
					t.Errorf("%s\nwant %s", strings.Join(got, "\n"), line)
				}
			}
			if (test.open == "") != (len(report.Open) == 0) || !strings.Contains(strings.Join(report.Open, "\n"), test.open) {
				t.Errorf("open: %v, want %s", report.Open, test.open)
			}
		})
	}
}

func TestNothingToJudge(t *testing.T) {
	if _, err := judged(t, Options{}, nil, both(t, useObjects, letIn)...); err == nil || !strings.Contains(err.Error(), "no record of a call") {
		t.Errorf("no record: %v", err)
	}
	if _, err := judged(t, Options{}, []*trail.Record{record("2026-08-10", "GetObject", "k")}, stack(t, "a", accountA)); err == nil ||
		!strings.Contains(err.Error(), "no policy that grants anything") {
		t.Errorf("no policy: %v", err)
	}
}

// TestOrder shows that it does not matter in which order records come, and to which counter.
func TestOrder(t *testing.T) {
	var records []*trail.Record
	for i := range 60 {
		edits := []func(*trail.Record){}
		if i%3 == 0 {
			edits = append(edits, refused)
		}
		if i%4 == 0 {
			edits = append(edits, stranger)
		}
		records = append(records, record(fmt.Sprintf("2026-08-%02d", 1+i%9), []string{"GetObject", "PutObject", "HeadBucket"}[i%3], fmt.Sprintf("%d/%d", i%8, i), edits...))
	}
	want := ""
	for turn := range 7 {
		turned := slices.Concat(records[turn*7:], records[:turn*7])
		if turn%2 == 1 {
			slices.Reverse(turned)
		}
		report, err := judged(t, Options{}, turned, both(t, useObjects, letIn)...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(text)
		}
		if string(text) != want {
			t.Fatalf("turned by %d:\n%s\nwant\n%s", turn, text, want)
		}
	}
}

// TestDirectories: too many directories in one counter are too many in all.
func TestDirectories(t *testing.T) {
	var many, one, sum resourceUse
	for i := range maxDirectories + 1 {
		many.add(fmt.Sprintf("%s/%d/k", bucket, i))
	}
	one.add(bucket + "/in/k")
	sum.merge(many)
	sum.merge(one)
	if !sum.directories[0].full || len(sum.directories[0].paths) != 0 || sum.count != maxDirectories+2 {
		t.Errorf("%+v", sum.directories[0])
	}
	if within := narrowKeys(bucket+"/*", sum); !slices.Equal(within, []string{bucket + "/*"}) {
		t.Errorf("narrowed to %v", within)
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"a", "a", true},
		{"a", "b", false},
		{"*", "", true},
		{"*", "anything/at:all", true},
		{"a*", "abc", true},
		{"a*c", "abbc", true},
		{"a*c", "abcd", false},
		{"*b*", "abc", true},
		{"a*b*c", "aXbYbZc", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a?", "a", false},
		{"a**", "a", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b", false},
	} {
		if got := matches(test.pattern, test.text); got != test.want {
			t.Errorf("matches(%q, %q) = %t", test.pattern, test.text, got)
		}
	}
	for _, test := range []struct {
		pattern, start string
		want           bool
	}{
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/", true},
		{"arn:aws:s3:::b/in/*", "arn:aws:s3:::b/", true},
		{"arn:aws:s3:::b/k", "arn:aws:s3:::b/", true},
		{"arn:aws:s3:::c/*", "arn:aws:s3:::b/", false},
		{"arn:aws:s3:::b", "arn:aws:s3:::b/", false},
		{"*", "arn:aws:s3:::b/", true},
	} {
		if got := begins(test.pattern, test.start); got != test.want {
			t.Errorf("begins(%q, %q) = %t", test.pattern, test.start, got)
		}
	}
	for pattern, want := range map[string]string{"b/*": "b/*", "b/${aws:username}/*": "b/*/*", "${a}${b}": "**", "b/${open": "b/${open"} {
		if got := withoutVariables(pattern); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
}
