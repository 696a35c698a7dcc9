package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// statement wraps the members of one statement into a document.
func statement(members string) string {
	return `{"Version":"2012-10-17","Statement":[` + members + `]}`
}

const (
	identityStatement = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
	bucketStatement   = `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`
)

func condition(operators string) string {
	return statement(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":` + operators + `}`)
}

func TestReadDocumentAccepts(t *testing.T) {
	const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	for name, test := range map[string]struct {
		kind     Kind
		document string
	}{
		"one statement without an array":             {IdentityPolicy, `{"Statement":` + identityStatement + `}`},
		"the older version":                          {IdentityPolicy, `{"Version":"2008-10-17","Id":"x","Statement":[` + identityStatement + `]}`},
		"a bucket policy":                            {ResourcePolicy, statement(bucketStatement)},
		"a principal of every type":                  {ResourcePolicy, statement(`{"Effect":"Deny","NotPrincipal":{"AWS":["123456789012","*"],"Service":"s3.amazonaws.com","Federated":"accounts.google.com","CanonicalUser":"79a5"},"NotAction":"s3:*","NotResource":["arn:aws:s3:::b"]}`)},
		"a trust policy without Resource":            {TrustPolicy, statement(`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`)},
		"an RCP for everyone":                        {ResourceControlPolicy, statement(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)},
		"an RCP for everyone, written out":           {ResourceControlPolicy, statement(`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*"}`)},
		"all actions":                                {ServiceControlPolicy, statement(`{"Effect":"Allow","Action":"*","Resource":"*"}`)},
		"wildcards within actions":                   {IdentityPolicy, statement(`{"Effect":"Allow","Action":["s3:Get*","s3:?etObject"],"Resource":"*"}`)},
		"no Sid twice":                               {IdentityPolicy, statement(`{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"","Effect":"Deny","Action":"*","Resource":"*"}`)},
		"one Sid twice in a bucket policy":           {ResourcePolicy, statement(`{"Sid":"A",` + bucketStatement[1:] + `,{"Sid":"A",` + bucketStatement[1:])},
		"an empty condition":                         {IdentityPolicy, condition(`{}`)},
		"booleans and numbers as values":             {IdentityPolicy, condition(`{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":[10,"10.5"]},"StringEquals":{"aws:x":[1,false]}}`)},
		"set operators and IfExists":                 {IdentityPolicy, condition(`{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"ForAnyValue:StringLikeIfExists":{"aws:PrincipalOrgPaths":"o-1/*"}}`)},
		"addresses and ranges of both families":      {IdentityPolicy, condition(`{"IpAddress":{"aws:SourceIp":["203.0.113.7","203.0.113.0/24","2001:db8::/32","2001:db8::1","0.0.0.0/0"]}}`)},
		"dates in every form":                        {IdentityPolicy, condition(`{"DateLessThan":{"aws:CurrentTime":["2026","2026-01","2026-01-31","2026-01-31T10:00Z","2026-01-31T10:00:00Z","2026-01-31T10:00:00.5+01:00","1767225600",1767225600]}}`)},
		"Null":                                       {IdentityPolicy, condition(`{"Null":{"aws:TokenIssueTime":"true","aws:x":false}}`)},
		"ARNs, patterns and variables":               {IdentityPolicy, condition(`{"ArnLike":{"aws:SourceArn":["arn:aws:s3:::b","*","arn:aws:s3:*","${aws:PrincipalArn}"]}}`)},
		"a document that is not known yet":           {IdentityPolicy, `"` + unknown + `"`},
		"a secret document":                          {IdentityPolicy, `"[secret]"`},
		"unknown statements":                         {IdentityPolicy, `{"Version":"` + unknown + `","Statement":["` + unknown + `"]}`},
		"an unknown value in place of any other":     {ResourcePolicy, statement(`{"Sid":"` + unknown + `","Effect":"` + unknown + `","Principal":"` + unknown + `","Action":["` + unknown + `"],"Resource":"arn:aws:s3:::` + unknown + `/*","Condition":"` + unknown + `"}`)},
		"an unknown date, number, boolean and range": {IdentityPolicy, condition(`{"DateLessThan":{"a:b":"` + unknown + `"},"NumericEquals":{"a:b":"3eeb2bf0-c639-47a8-9e75-3b44932eb421"},"Bool":{"a:b":"1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"},"IpAddress":{"a:b":"` + unknown + `/32"},"ArnEquals":{"a:b":"[secret]"},"StringEquals":"` + unknown + `"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadDocument(test.kind, "", []byte(test.document)); err != nil {
				t.Errorf("ReadDocument(%s) = %v, want no error", test.document, err)
			}
		})
	}
}

func TestReadDocumentRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		kind     Kind
		document string
		want     []string // the text of each problem, in order
	}{
		"an empty file": {IdentityPolicy, ``,
			[]string{`identity policy "p": is empty, expected a JSON object`}},
		"not JSON": {IdentityPolicy, "{\n  Version: 1\n}",
			[]string{`identity policy "p": is not JSON: invalid character 'V' at start of value, line 2, column 3`}},
		"a text that ends too early": {IdentityPolicy, `{"Statement":[`,
			[]string{`identity policy "p", statement 0: is not JSON: it ends in the middle of a value, column 15`}},
		"trailing data": {IdentityPolicy, statement(identityStatement) + ` {}`,
			[]string{`identity policy "p": something follows the end of the JSON value, column 112`}},
		"trailing garbage": {IdentityPolicy, `{} x`,
			[]string{`identity policy "p": something follows the end of the JSON value, column 3`}},
		"invalid UTF-8": {IdentityPolicy, "{\"Version\":\"\xff\"}",
			[]string{`identity policy "p", Version: is not JSON: invalid UTF-8, column 13`}},
		"nesting that is too deep": {IdentityPolicy, strings.Repeat("[", 33) + strings.Repeat("]", 33),
			[]string{`identity policy "p", ` + strings.Repeat("0.", 30) + `0: nested deeper than 32 levels, column 33`}},
		"nesting without end": {IdentityPolicy, strings.Repeat("[", 100_000),
			[]string{`identity policy "p", 0.0`}},
		"a number out of range": {IdentityPolicy, condition(`{"NumericEquals":{"a:b":1e999999999}}`),
			[]string{`identity policy "p", statement 0, Condition.NumericEquals.a:b: the number "1e999999999" is out of range, column 131`}},
		"a name twice": {IdentityPolicy, statement(`{"Sid":"Read","Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}`),
			[]string{`identity policy "p", statement 0 (Sid "Read"), Effect: "Effect" is given twice in the same object, column 69`}},
		"a name twice, escaped": {IdentityPolicy, statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":"true","a\u003ab":"false"}}}`),
			[]string{`identity policy "p", statement 0, Condition.Bool.a:b: "a:b" is given twice in the same object, column 118`}},
		"a name twice and other things": {IdentityPolicy, `{"Statement":[],"Statement":[{"Sid":"Read","Effect":"allow","Action":"*","Resource":"*"}]}`,
			[]string{
				`identity policy "p", statement 0 (Sid "Read"): "Statement" is given twice in the same object, column 17`,
				`identity policy "p", statement 0 (Sid "Read"), Effect: "allow" is neither "Allow" nor "Deny"`}},
		"a string": {IdentityPolicy, `"Allow"`,
			[]string{`identity policy "p": is "Allow", expected a policy object with a Statement`}},
		"JSON in a string": {IdentityPolicy, `"{\"Statement\":[]}"`,
			[]string{`identity policy "p": is a string holding JSON, expected the policy object itself`}},
		"null":     {IdentityPolicy, `null`, []string{`identity policy "p": is null, expected a policy object with a Statement`}},
		"an array": {IdentityPolicy, `[]`, []string{`identity policy "p": is an array, expected a policy object with a Statement`}},
		"no Statement": {IdentityPolicy, `{}`,
			[]string{`identity policy "p", Statement: is missing`}},
		"an empty Statement": {IdentityPolicy, `{"Statement":[]}`,
			[]string{`identity policy "p", Statement: is empty, expected at least one statement`}},
		"a Statement that is neither object nor array": {IdentityPolicy, `{"Statement":"Allow"}`,
			[]string{`identity policy "p", Statement: is "Allow", expected a statement object or an array of them`}},
		"a statement that is a string": {IdentityPolicy, `{"Statement":["Allow"]}`,
			[]string{`identity policy "p", statement 0: is "Allow", expected a statement object`}},
		"unknown elements": {IdentityPolicy, `{"version":"2012-10-17","Comment":"x","Statement":` + identityStatement + `}`,
			[]string{
				`identity policy "p", "Comment": unknown element, expected one of Version, Id, Statement`,
				`identity policy "p", "version": element names are case-sensitive, expected "Version"`}},
		"an unknown version": {IdentityPolicy, `{"Version":"2012-10-18","Statement":` + identityStatement + `}`,
			[]string{`identity policy "p", Version: "2012-10-18" is neither "2012-10-17" nor "2008-10-17"`}},
		"a version that is a number": {IdentityPolicy, `{"Version":2012,"Id":1,"Statement":` + identityStatement + `}`,
			[]string{
				`identity policy "p", Version: the number 2012 is neither "2012-10-17" nor "2008-10-17"`,
				`identity policy "p", Id: is the number 1, expected a string`}},
		"case-variant element names": {IdentityPolicy, statement(`{"effect":"Allow","Action":"*","Resource":"*"}`),
			[]string{
				`identity policy "p", statement 0, "effect": element names are case-sensitive, expected "Effect"`,
				`identity policy "p", statement 0, Effect: is missing, expected "Allow" or "Deny"`}},
		"an unknown Effect": {IdentityPolicy, statement(identityStatement + `,{"Sid":"Read","Effect":"allow","Action":"*","Resource":"*"}`),
			[]string{`identity policy "p", statement 1 (Sid "Read"), Effect: "allow" is neither "Allow" nor "Deny"`}},
		"Action beside NotAction": {IdentityPolicy, statement(`{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*","NotResource":"*"}`),
			[]string{
				`identity policy "p", statement 0, NotAction: stands beside Action, expected only one of the two`,
				`identity policy "p", statement 0, NotResource: stands beside Resource, expected only one of the two`}},
		"neither Action nor Resource": {IdentityPolicy, statement(`{"Effect":"Allow"}`),
			[]string{
				`identity policy "p", statement 0, Action: is missing, expected Action or NotAction`,
				`identity policy "p", statement 0, Resource: is missing, expected Resource or NotResource`}},
		"empty arrays": {IdentityPolicy, statement(`{"Effect":"Allow","Action":[],"Resource":[],"Condition":{"Bool":{"a:b":[]}}}`),
			[]string{
				`identity policy "p", statement 0, Action: is an empty array, expected a string or an array of strings`,
				`identity policy "p", statement 0, Resource: is an empty array, expected a string or an array of strings`,
				`identity policy "p", statement 0, Condition.Bool.a:b: is an empty array, expected at least one value`}},
		"values of the wrong type": {IdentityPolicy, statement(`{"Sid":1,"Effect":true,"Action":{},"Resource":[1,"*",null],"Condition":[]}`),
			[]string{
				`identity policy "p", statement 0, Sid: is the number 1, expected a string`,
				`identity policy "p", statement 0, Effect: the boolean true is neither "Allow" nor "Deny"`,
				`identity policy "p", statement 0, Action: is an object, expected a string or an array of strings`,
				`identity policy "p", statement 0, Resource[0]: is the number 1, expected a string`,
				`identity policy "p", statement 0, Resource[2]: is null, expected a string`,
				`identity policy "p", statement 0, Condition: is an array, expected an object of operators`}},
		"actions without a service": {IdentityPolicy, statement(`{"Effect":"Allow","Action":["s3:GetObject","GetObject","s3:",":x","s3:Get Object"],"Resource":"*"}`),
			[]string{
				`identity policy "p", statement 0, Action[1]: "GetObject" is not an action`,
				`identity policy "p", statement 0, Action[2]: "s3:" is not an action`,
				`identity policy "p", statement 0, Action[3]: ":x" is not an action`,
				`identity policy "p", statement 0, Action[4]: "s3:Get Object" is not an action`}},
		"an empty resource": {IdentityPolicy, statement(`{"Effect":"Allow","Action":"*","Resource":["*",""]}`),
			[]string{`identity policy "p", statement 0, Resource[1]: is empty`}},
		"a Principal in an identity policy": {IdentityPolicy, statement(bucketStatement),
			[]string{`identity policy "p", statement 0, Principal: does not belong in an identity policy`}},
		"a NotPrincipal in an SCP": {ServiceControlPolicy, statement(`{"Effect":"Deny","NotPrincipal":"*","Action":"*","Resource":"*"}`),
			[]string{`SCP "p", statement 0, NotPrincipal: does not belong in an SCP`}},
		"no Principal in a bucket policy": {ResourcePolicy, statement(identityStatement),
			[]string{`resource policy "p", statement 0, Principal: is missing`}},
		"no Resource in a bucket policy": {ResourcePolicy, statement(`{"Effect":"Allow","Principal":"*","Action":"*"}`),
			[]string{`resource policy "p", statement 0, Resource: is missing`}},
		"a principal that is a bare string": {ResourcePolicy, statement(`{"Effect":"Allow","Principal":"arn:aws:iam::123456789012:root","Action":"*","Resource":"*"}`),
			[]string{`resource policy "p", statement 0, Principal: is "arn:aws:iam::123456789012:root", expected "*" or an object with AWS, Service, Federated, CanonicalUser`}},
		"principals of unknown types": {ResourcePolicy, statement(`{"Effect":"Allow","Principal":{"aws":"*","User":"x","AWS":[]},"Action":"*","Resource":"*"}`),
			[]string{
				`resource policy "p", statement 0, Principal."User": unknown element, expected one of AWS, Service, Federated, CanonicalUser`,
				`resource policy "p", statement 0, Principal."aws": element names are case-sensitive, expected "AWS"`,
				`resource policy "p", statement 0, Principal.AWS: is an empty array`}},
		"Principal beside NotPrincipal": {ResourcePolicy, statement(`{"Effect":"Deny","Principal":"*","NotPrincipal":{},"Action":"*","Resource":"*"}`),
			[]string{
				`resource policy "p", statement 0, NotPrincipal: stands beside Principal`,
				`resource policy "p", statement 0, NotPrincipal: is empty`}},
		"an RCP for one principal": {ResourceControlPolicy, statement(`{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"*","Resource":"*"}`),
			[]string{`RCP "p", statement 0, Principal: is an object, expected "*" in an RCP`}},
		"one Sid twice": {IdentityPolicy, statement(`{"Sid":"A",` + identityStatement[1:] + `,{"Sid":"A",` + identityStatement[1:]),
			[]string{`identity policy "p", statement 1 (Sid "A"), Sid: statement 0 has the same Sid, and IAM wants each Sid once`}},
		"an unknown condition operator": {IdentityPolicy, condition(`{"StringMatches":{"a:b":"c"}}`),
			[]string{`identity policy "p", statement 0, Condition.StringMatches: unknown condition operator, expected one of`}},
		"condition operators in other letter case": {IdentityPolicy, condition(`{"forAnyValue:stringEqualsifexists":{"a:b":"c"}}`),
			[]string{`identity policy "p", statement 0, Condition.forAnyValue:stringEqualsifexists: unknown condition operator: operator names are case-sensitive, expected "ForAnyValue:StringEqualsIfExists"`}},
		"an unknown set operator": {IdentityPolicy, condition(`{"ForEachValue:StringEquals":{"a:b":"c"}}`),
			[]string{`identity policy "p", statement 0, Condition.ForEachValue:StringEquals: unknown condition operator: what stands before the colon is neither "ForAllValues" nor "ForAnyValue"`}},
		"NullIfExists": {IdentityPolicy, condition(`{"NullIfExists":{"a:b":"true"}}`),
			[]string{`identity policy "p", statement 0, Condition.NullIfExists: unknown condition operator: Null asks whether the key exists`}},
		"an operator without keys": {IdentityPolicy, condition(`{"StringEquals":"c"}`),
			[]string{`identity policy "p", statement 0, Condition.StringEquals: is "c", expected an object of condition keys and their values`}},
		"a condition value of a wrong type": {IdentityPolicy, condition(`{"StringEquals":{"a:b":{"c":"d"},"a:c":["x",null]}}`),
			[]string{
				`identity policy "p", statement 0, Condition.StringEquals.a:b: is an object, expected a string, number or boolean`,
				`identity policy "p", statement 0, Condition.StringEquals.a:c[1]: is null, expected a string, number or boolean`}},
		"bad ranges": {IdentityPolicy, condition(`{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/33","203.0.113","fe80::1%eth0",7]}}`),
			[]string{
				`identity policy "p", statement 0, Condition.NotIpAddress.aws:SourceIp[0]: "203.0.113.0/33" is not an IP address range, expected CIDR`,
				`identity policy "p", statement 0, Condition.NotIpAddress.aws:SourceIp[1]: "203.0.113" is not an IP address range`,
				`identity policy "p", statement 0, Condition.NotIpAddress.aws:SourceIp[2]: "fe80::1%eth0" is not an IP address range`,
				`identity policy "p", statement 0, Condition.NotIpAddress.aws:SourceIp[3]: the number 7 is not an IP address range`}},
		"bad dates": {IdentityPolicy, condition(`{"DateGreaterThan":{"aws:CurrentTime":["31.01.2026","2026-02-30","${aws:x}"]}}`),
			[]string{
				`identity policy "p", statement 0, Condition.DateGreaterThan.aws:CurrentTime[0]: "31.01.2026" is not a date, expected ISO 8601`,
				`identity policy "p", statement 0, Condition.DateGreaterThan.aws:CurrentTime[1]: "2026-02-30" is not a date`,
				`identity policy "p", statement 0, Condition.DateGreaterThan.aws:CurrentTime[2]: "${aws:x}" is not a date`}},
		"bad booleans": {IdentityPolicy, condition(`{"Bool":{"a:b":"yes"},"Null":{"a:b":"1"}}`),
			[]string{
				`identity policy "p", statement 0, Condition.Bool.a:b: "yes" is neither "true" nor "false"`,
				`identity policy "p", statement 0, Condition.Null.a:b: "1" is neither "true" nor "false"`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadDocument(test.kind, "p", []byte(test.document))
			var malformed MalformedError
			if !errors.As(err, &malformed) {
				t.Fatalf("ReadDocument(%.200s) = %v, want a MalformedError", test.document, err)
			}
			var got []string
			for _, problem := range malformed {
				got = append(got, problem.Error())
			}
			if len(got) != len(test.want) {
				t.Fatalf("got %d problems, want %d:\n%s", len(got), len(test.want), strings.Join(got, "\n"))
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("problem %d:\n got %s\nwant %s", i, got[i], test.want[i])
				}
			}
		})
	}
}

func TestMalformedErrorStaysShort(t *testing.T) {
	statements := make([]string, 1000)
	for i := range statements {
		statements[i] = fmt.Sprintf(`{"Effect":%q}`, strings.Repeat("x", 1000))
	}
	_, err := ReadDocument(IdentityPolicy, "p", []byte(statement(strings.Join(statements, ","))))
	if err == nil || len(err.Error()) > 5000 || !strings.Contains(err.Error(), "and 2990 more problems") {
		t.Errorf("the error of a document with 3000 problems has %d characters: %.300s", len(err.Error()), err)
	}
	var problem *DocumentError
	if !errors.As(err, &problem) || problem.Statement != 0 || problem.Key != "Effect" {
		t.Errorf("errors.As gave %+v, want the first statement's Effect", problem)
	}
}
