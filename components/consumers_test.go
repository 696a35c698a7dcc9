package components

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"cross-account-s3/policy"
)

const (
	reportsARN = "arn:aws:iam::123456789012:role/Reports"
	partnerARN = "arn:aws:iam::111122223333:role/partners/Partner"
)

// reportsAndPartner are two consumers, of the function's account and of another.
func reportsAndPartner(accessPoints bool) Consumers {
	return Consumers{AccessPoints: accessPoints, AccountID: "987654321098", Each: []Consumer{
		{Name: "daily-reports", Role: ComputeRole{ARN: reportsARN, UniqueID: "AROAREPORTS"}, Permissions: []Permission{Read, List}, Prefixes: []string{"reports/", "archive/"}},
		{Name: "partner", Role: ComputeRole{ARN: partnerARN}, Permissions: []Permission{Read, Write}},
	}}
}

func TestConsumerSettings(t *testing.T) {
	const reports = `{"name":"reports","roleArn":"` + reportsARN + `","permissions":["read"]}`
	for name, c := range map[string]struct {
		value string
		want  string // in the one line of the error; empty where there is none
	}{
		"none":                       {`[]`, ""},
		"one":                        {`[` + reports + `]`, ""},
		"all there is to say":        {`[{"name":"p-1","roleArn":"` + partnerARN + `","roleUniqueId":"AROAX","permissions":["read","write"],"prefixes":["a","b/c/"]},{"name":"q-1","stack":"acme/x/y","permissions":["list"],"prefixes":[]}]`, ""},
		"no list":                    {`{}`, `consumers is "{}", and has to be a list of objects with name, stack`},
		"a list of texts":            {`["reports"]`, "a list of objects"},
		"an unknown key":             {`[{"name":"reports","roleArn":"` + reportsARN + `","permissions":["read"],"prefix":"a/"}]`, "consumers[0].prefix is not a setting; a consumer has name, stack, roleArn"},
		"a key in other letters":     {`[{"name":"reports","roleArn":"` + reportsARN + `","permissions":["read"],"Prefixes":["a/"]}]`, "consumers[0].Prefixes is not a setting"},
		"no name":                    {`[{"roleArn":"` + reportsARN + `","permissions":["read"]}]`, `consumers[0].name is "", and has to be a name that an access point can have`},
		"a name with capitals":       {`[{"name":"Reports","roleArn":"` + reportsARN + `","permissions":["read"]}]`, "lowercase"},
		"a name like an alias":       {`[{"name":"reports-s3alias","roleArn":"` + reportsARN + `","permissions":["read"]}]`, "-s3alias"},
		"a name that is a number":    {`[{"name":5,"roleArn":"` + reportsARN + `","permissions":["read"]}]`, `consumers[0].name is "5", and has to be a text`},
		"a name twice":               {`[` + reports + `,{"name":"reports","roleArn":"` + partnerARN + `","permissions":["read"]}]`, `consumers[1].name is "reports", and has to be another name`},
		"a name twice but a hyphen":  {`[{"name":"a-1b","roleArn":"` + reportsARN + `","permissions":["read"]},{"name":"a1b","roleArn":"` + partnerARN + `","permissions":["read"]}]`, `consumers[1].name is "a1b", and has to be another name`},
		"neither stack nor role":     {`[{"name":"reports","permissions":["read"]}]`, `consumers[0] is "reports", and has to be given a role`},
		"both stack and role":        {`[{"name":"reports","stack":"a/b/c","roleArn":"` + reportsARN + `","permissions":["read"]}]`, "either a stack"},
		"a stack and an id":          {`[{"name":"reports","stack":"a/b/c","roleUniqueId":"AROAX","permissions":["read"]}]`, "either a stack"},
		"a stack in short":           {`[{"name":"reports","stack":"account-c","permissions":["read"]}]`, `consumers[0].stack is "account-c"`},
		"a stack twice":              {`[{"name":"r-1","stack":"a/b/c","permissions":["read"]},{"name":"r-2","stack":"a/b/c","permissions":["read"]}]`, `consumers[1].stack is "a/b/c", and has to be named only once`},
		"a role twice":               {`[` + reports + `,{"name":"again","roleArn":"` + reportsARN + `","permissions":["read"]}]`, "consumers[1].roleArn is \"" + reportsARN + "\", and has to be named only once"},
		"the function's role":        {`[{"name":"reports","roleArn":"` + roleARN + `","permissions":["read"]}]`, "another role than that of the function"},
		"a role of the bucket's own": {`[{"name":"reports","roleArn":"arn:aws:iam::987654321098:role/R","permissions":["read"]}]`, "a role of another account than dataAccountId"},
		"another partition":          {`[{"name":"reports","roleArn":"arn:aws-cn:iam::123456789012:role/R","permissions":["read"]}]`, "a role of the partition aws"},
		"an account of eleven":       {`[{"name":"reports","roleArn":"arn:aws:iam::12345678901:role/R","permissions":["read"]}]`, "the ARN of a role"},
		"a user":                     {`[{"name":"reports","roleArn":"arn:aws:iam::123456789012:user/R","permissions":["read"]}]`, "the ARN of a role"},
		"any role":                   {`[{"name":"reports","roleArn":"arn:aws:iam::123456789012:role/*","permissions":["read"]}]`, "without wildcards"},
		"everybody":                  {`[{"name":"reports","roleArn":"*","permissions":["read"]}]`, "the ARN of a role"},
		"the id of a user":           {`[{"name":"reports","roleArn":"` + reportsARN + `","roleUniqueId":"AIDAX","permissions":["read"]}]`, "which begins with AROA"},
		"no permissions":             {`[{"name":"reports","roleArn":"` + reportsARN + `"}]`, "consumers[0].permissions is \"\", and has to be a list of at least one"},
		"an unknown permission":      {`[{"name":"reports","roleArn":"` + reportsARN + `","permissions":["admin"]}]`, `consumers[0].permissions[0] is "admin"`},
		"prefixes that are no list":  {`[{"name":"reports","roleArn":"` + reportsARN + `","permissions":["read"],"prefixes":"a/"}]`, "a list of folders"},
		"a prefix of everything":     {`[{"name":"reports","roleArn":"` + reportsARN + `","permissions":["read"],"prefixes":[""]}]`, "the whole bucket is a list without any"},
		"a prefix that is no folder": {`[{"name":"reports","roleArn":"` + reportsARN + `","permissions":["read"],"prefixes":["a/","b*"]}]`, `prefixes[1] is "b*", and has to be a folder`},
		"a prefix twice":             {`[{"name":"reports","roleArn":"` + reportsARN + `","permissions":["read"],"prefixes":["a","a/"]}]`, `prefixes[1] is "a/", and has to be named only once`},
	} {
		t.Run(name, func(t *testing.T) {
			settings, err := settingsOf(t, "account-b", map[string]string{"cross-account-s3:consumers": c.value})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if want := strings.Count(c.value, `"name"`); len(settings.Consumers.Each) != want {
					t.Errorf("%d consumers, want %d", len(settings.Consumers.Each), want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.HasPrefix(c.want, "consumers[1]") && strings.Contains(err.Error(), "consumers[0]") {
				t.Errorf("%v, want %q and nothing of a consumer that is right", err, c.want)
			}
		})
	}
}

func TestReadConsumers(t *testing.T) {
	text := resource.NewProperty[string]
	exports := func(arn, id string) resource.PropertyMap {
		return resource.PropertyMap{"roleArn": text(arn), "roleUniqueId": text(id)}
	}
	const consumers = `[{"name":"reports","stack":"acme/reports/production","permissions":["read"]},{"name":"partner","roleArn":"` + partnerARN + `","permissions":["read"]}]`
	for name, c := range map[string]struct {
		stacks map[string]resource.PropertyMap
		want   string
	}{
		"deployed":             {map[string]resource.PropertyMap{"acme/reports/production": exports(reportsARN, "AROAREPORTS")}, ""},
		"missing":              {nil, "consumer reports: there is no stack acme/reports/production; create it, then deploy the consumer first: pulumi up --stack acme/reports/production"},
		"never deployed":       {map[string]resource.PropertyMap{"acme/reports/production": {}}, "has no roleArn"},
		"no id":                {map[string]resource.PropertyMap{"acme/reports/production": {"roleArn": text(reportsARN)}}, "has no roleUniqueId"},
		"the id of a user":     {map[string]resource.PropertyMap{"acme/reports/production": exports(reportsARN, "AIDAX")}, "begins with AROA"},
		"the function's":       {map[string]resource.PropertyMap{"acme/reports/production": exports(roleARN, "AROAX")}, "another role than that of the function"},
		"one that is named":    {map[string]resource.PropertyMap{"acme/reports/production": exports(partnerARN, "AROAX")}, "named only once"},
		"of the data account":  {map[string]resource.PropertyMap{"acme/reports/production": exports("arn:aws:iam::987654321098:role/R", "AROAX")}, "another account than dataAccountId"},
		"of another partition": {map[string]resource.PropertyMap{"acme/reports/production": exports("arn:aws-cn:iam::123456789012:role/R", "AROAX")}, "partition aws"},
		"everybody":            {map[string]resource.PropertyMap{"acme/reports/production": exports("*", "AROAX")}, "the ARN of a role"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &monitor{stacks: c.stacks, previews: true}
			var got Consumers
			var err error
			if failure := m.run("account-b", configuration(t, "account-b", map[string]string{"cross-account-s3:consumers": consumers}), func(ctx *pulumi.Context) error {
				settings, wrong := ReadSettings(ctx)
				if wrong != nil {
					return wrong
				}
				got, err = ReadConsumers(ctx, settings)
				return nil
			}); failure != nil {
				t.Fatal(failure)
			}
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			expectEqual(t, "the role of the stack", got.Each[0].Role, ComputeRole{ARN: reportsARN, UniqueID: "AROAREPORTS"})
			expectEqual(t, "the role that is named", got.Each[1].Role, ComputeRole{ARN: partnerARN})
		})
	}
}

func TestConsumerDocuments(t *testing.T) {
	direct, err := accessTo("", Read).bucketDocument(roleARN, reportsAndPartner(false))
	if err != nil {
		t.Fatal(err)
	}
	const own = `{"Sid": "UseObjects", "Effect": "Allow", "Principal": {"AWS": "` + roleARN + `"}, "Action": "s3:GetObject",
		"Resource": "arn:aws:s3:::my-cross-account-bucket/*"},`
	id := parse(t, direct).(map[string]any)["Id"]
	expectDocument(t, "bucket policy", direct, `{"Version": "2012-10-17", "Id": "`+fmt.Sprint(id)+`", "Statement": [`+own+`
		{"Sid": "UseObjectsDailyReports", "Effect": "Allow", "Principal": {"AWS": "`+reportsARN+`"}, "Action": "s3:GetObject",
		 "Resource": ["arn:aws:s3:::my-cross-account-bucket/archive/*", "arn:aws:s3:::my-cross-account-bucket/reports/*"]},
		{"Sid": "ListObjectsDailyReports", "Effect": "Allow", "Principal": {"AWS": "`+reportsARN+`"}, "Action": "s3:ListBucket",
		 "Resource": "arn:aws:s3:::my-cross-account-bucket", "Condition": {"StringLike": {"s3:prefix": ["archive/*", "reports/*"]}}},
		{"Sid": "UseObjectsPartner", "Effect": "Allow", "Principal": {"AWS": "`+partnerARN+`"}, "Action": ["s3:GetObject", "s3:PutObject"],
		 "Resource": "arn:aws:s3:::my-cross-account-bucket/*"},`+denials+`]}`)

	delegating, err := accessTo("", Read).bucketDocument(roleARN, reportsAndPartner(true))
	if err != nil {
		t.Fatal(err)
	}
	expectDocument(t, "bucket policy with access points", delegating, `{"Version": "2012-10-17", "Id": "`+fmt.Sprint(id)+`", "Statement": [`+own+`
		{"Sid": "LeaveToAccessPoints", "Effect": "Allow", "Principal": {"AWS": ["`+partnerARN+`", "`+reportsARN+`"]},
		 "Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
		 "Resource": ["arn:aws:s3:::my-cross-account-bucket", "arn:aws:s3:::my-cross-account-bucket/*"],
		 "Condition": {"StringEquals": {"s3:DataAccessPointAccount": "987654321098"}}},`+denials+`]}`)

	key, err := encrypted(Read).keyDocument(roleARN, reportsAndPartner(true))
	if err != nil {
		t.Fatal(err)
	}
	const through = `"Resource": "*", "Condition": {
		"StringLike": {"kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::my-cross-account-bucket", "arn:aws:s3:::my-cross-account-bucket/*"]},
		"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:CallerAccount": `
	expectDocument(t, "key policy", key, `{"Version": "2012-10-17", "Id": "`+fmt.Sprint(id)+`", "Statement": [
		{"Sid": "LeaveToAccount", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::987654321098:root"}, "Action": "kms:*", "Resource": "*"},
		{"Sid": "UseThroughS3", "Effect": "Allow", "Principal": {"AWS": "`+roleARN+`"}, "Action": "kms:Decrypt", `+through+`"123456789012"}}},
		{"Sid": "ReadAndWriteThroughS3", "Effect": "Allow", "Principal": {"AWS": "`+partnerARN+`"}, "Action": ["kms:Decrypt", "kms:GenerateDataKey"], `+through+`"111122223333"}}},
		{"Sid": "ReadThroughS3", "Effect": "Allow", "Principal": {"AWS": "`+reportsARN+`"}, "Action": "kms:Decrypt", `+through+`"123456789012"}}}]}`)

	// The text has to change with what AWS keeps of a role, or it would not be written again.
	remade := reportsAndPartner(false)
	remade.Each[0].Role.UniqueID = "AROAREMADE"
	again, err := accessTo("", Read).bucketDocument(roleARN, remade)
	if err != nil || again == direct {
		t.Errorf("a role that was made again leaves the policy as it was: %v", err)
	}
	expectEqual(t, "all but the Id", parse(t, again).(map[string]any)["Statement"], parse(t, direct).(map[string]any)["Statement"])
}

func TestConsumerAccessPoints(t *testing.T) {
	consumers := reportsAndPartner(true)
	m := &monitor{previews: true}
	if err := m.run("account-b", nil, func(ctx *pulumi.Context) error {
		bucket, err := NewSharedBucket(ctx, "bucket", &SharedBucketArgs{
			Access: accessTo("", Read), Role: ComputeRole{ARN: roleARN, UniqueID: "AROAEXAMPLE"}, Consumers: consumers,
		})
		if err != nil {
			return err
		}
		_, err = NewConsumerAccessPoints(ctx, "consumers", &ConsumerAccessPointsArgs{
			Bucket: bucket, BucketName: "my-cross-account-bucket", Consumers: consumers.Each,
			Place: Place{Partition: "aws", Region: "us-east-1", AccountID: "987654321098"},
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	point := m.named(t, "aws:s3/accessPoint:AccessPoint", "daily-reports")
	expectEqual(t, "name", point.inputs["name"], "daily-reports")
	expectEqual(t, "bucket", point.inputs["bucket"], "my-cross-account-bucket")
	expectEqual(t, "public access", point.inputs["publicAccessBlockConfiguration"], map[string]any{
		"blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true,
	})
	const arn = "arn:aws:s3:us-east-1:987654321098:accesspoint/daily-reports"
	document := point.inputs["policy"].(string)
	expectDocument(t, "policy, known at preview", document, `{"Version": "2012-10-17", "Id": "`+fmt.Sprint(parse(t, document).(map[string]any)["Id"])+`", "Statement": [
		{"Sid": "UseObjects", "Effect": "Allow", "Principal": {"AWS": "`+reportsARN+`"}, "Action": "s3:GetObject",
		 "Resource": ["`+arn+`/object/archive/*", "`+arn+`/object/reports/*"]},
		{"Sid": "ListObjects", "Effect": "Allow", "Principal": {"AWS": "`+reportsARN+`"}, "Action": "s3:ListBucket", "Resource": "`+arn+`",
		 "Condition": {"StringLike": {"s3:prefix": ["archive/*", "reports/*"]}}}]}`)
	expectEqual(t, "one that is on another bucket goes first", point.deleteBeforeReplace, true)
	expectEqual(t, "what comes before it", point.dependencies, []string{"aws:s3/bucketPolicy:BucketPolicy::bucket", "aws:s3/bucketV2:BucketV2::bucket"})
	m.named(t, "aws:s3/accessPoint:AccessPoint", "partner")
	// A consumer that is added must not take the policy away from the others for a moment.
	expectEqual(t, "what replaces the bucket policy", m.one(t, "aws:s3/bucketPolicy:BucketPolicy").replacementTrigger, "AROAEXAMPLE")
}

// What AWS would refuse only when it is deployed, and how many consumers there can be.
func TestConsumersThatDoNotFit(t *testing.T) {
	many := func(n int, accessPoints bool) Consumers {
		consumers := Consumers{AccessPoints: accessPoints, AccountID: "987654321098"}
		for i := range n {
			consumers.Each = append(consumers.Each, Consumer{
				Name: fmt.Sprintf("team-%d", i), Role: ComputeRole{ARN: fmt.Sprintf("arn:aws:iam::111122223333:role/Team%03d", i)},
				Permissions: []Permission{Read, List}, Prefixes: []string{fmt.Sprintf("team-%d/", i)},
			})
		}
		return consumers
	}
	for name, c := range map[string]struct {
		access    Access
		consumers Consumers
		want      []string
	}{
		"the bucket's":                    {accessTo("", Read), many(100, false), []string{"the policy of bucket my-cross-account-bucket has ", " bytes, and AWS takes 20480", "consumerAccessPoints"}},
		"the bucket's with access points": {accessTo("", Read), many(600, true), []string{"bucket my-cross-account-bucket", "20480", "name fewer consumers"}},
		"the key's":                       {encrypted(Read), many(800, false), []string{"20480"}},
		"enough with access points":       {encrypted(Read), many(100, true), nil},
	} {
		m := &monitor{}
		err := m.run("account-b", nil, func(ctx *pulumi.Context) error {
			_, err := NewSharedBucket(ctx, "bucket", &SharedBucketArgs{Access: c.access, Role: ComputeRole{ARN: roleARN}, Consumers: c.consumers})
			return err
		})
		if c.want == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
		if len(m.resources) > 0 {
			t.Errorf("%s: registered %q", name, m.ids())
		}
	}
	if err := (&monitor{}).run("account-b", nil, func(ctx *pulumi.Context) error {
		_, err := NewBucketEncryptionKey(ctx, "key", &BucketEncryptionKeyArgs{Access: encrypted(Read), Role: ComputeRole{ARN: roleARN}, Consumers: many(800, true)})
		return err
	}); err == nil || !strings.Contains(err.Error(), "the policy of the key of bucket my-cross-account-bucket has ") || !strings.Contains(err.Error(), "32768") {
		t.Errorf("the key's own: %v", err)
	}
	// The numbers that docs/settings.md tells.
	for _, c := range []struct {
		accessPoints bool
		fitting      int
	}{{false, 46}, {true, 470}} {
		for n, fits := range map[int]bool{c.fitting: true, c.fitting + 1: false} {
			document, err := accessTo("", Read, Write, Delete, List).bucketDocument(roleARN, many(n, c.accessPoints))
			if err != nil || (len(document) <= mostBucketPolicy) != fits {
				t.Errorf("%d consumers (access points %t) come to %d bytes", n, c.accessPoints, len(document))
			}
		}
	}
}

// Who gets what of the bucket itself.
func TestConsumerDecisions(t *testing.T) {
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session := func(account, role string) string { return "arn:aws:sts::" + account + ":assumed-role/" + role + "/s" }
	reports, partner := session("123456789012", "Reports"), session("111122223333", "Partner")
	through := map[string]any{"s3:DataAccessPointAccount": "987654321098"}
	foreign := map[string]any{"s3:DataAccessPointAccount": "111122223333"}
	for name, c := range map[string]struct {
		accessPoints      bool
		principal, action string
		resource          string
		given             map[string]any
		want              policy.Decision
	}{
		"its folder":                        {false, reports, "s3:GetObject", "/reports/a", nil, policy.Allowed},
		"its other folder":                  {false, reports, "s3:GetObject", "/archive/a", nil, policy.Allowed},
		"outside of it":                     {false, reports, "s3:GetObject", "/data/a", nil, policy.ImplicitlyDenied},
		"an action it was not given":        {false, reports, "s3:PutObject", "/reports/a", nil, policy.ImplicitlyDenied},
		"a listing of its folder":           {false, reports, "s3:ListBucket", "", map[string]any{"s3:prefix": "archive/x"}, policy.Allowed},
		"a listing of everything":           {false, reports, "s3:ListBucket", "", nil, policy.ImplicitlyDenied},
		"the whole bucket":                  {false, partner, "s3:PutObject", "/data/a", nil, policy.Allowed},
		"a listing it was not given":        {false, partner, "s3:ListBucket", "", nil, policy.ImplicitlyDenied},
		"plain http":                        {false, partner, "s3:GetObject", "/a", map[string]any{"aws:SecureTransport": "false"}, policy.ExplicitlyDenied},
		"directly, with access points":      {true, reports, "s3:GetObject", "/reports/a", nil, policy.ImplicitlyDenied},
		"through an access point":           {true, reports, "s3:GetObject", "/reports/a", through, policy.Allowed},
		"through an access point of others": {true, partner, "s3:GetObject", "/reports/a", foreign, policy.ImplicitlyDenied},
		"plain http through one":            {true, reports, "s3:GetObject", "/reports/a", map[string]any{"s3:DataAccessPointAccount": "987654321098", "aws:SecureTransport": "false"}, policy.ExplicitlyDenied},
		"somebody else through one":         {true, session("123456789012", "Other"), "s3:GetObject", "/reports/a", through, policy.ImplicitlyDenied},
	} {
		document, err := accessTo("", Read).bucketDocument(roleARN, reportsAndPartner(c.accessPoints))
		if err != nil {
			t.Fatal(err)
		}
		resource := policy.Resource{ARN: "arn:aws:s3:::my-cross-account-bucket" + c.resource, AccountID: "987654321098"}
		given := policy.ImpliedContext(c.principal, resource)
		given["aws:SecureTransport"], given["s3:TlsVersion"] = "true", "1.3"
		for key, value := range c.given {
			given[key] = value
		}
		result, err := engine.Decide(t.Context(), policy.Case{
			Request: policy.Request{Principal: c.principal, Action: c.action, Resource: resource, Context: given},
			IdentityPolicies: []policy.NamedPolicy{{Name: "own", Policy: json.RawMessage(
				`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`)}},
			ResourcePolicy: json.RawMessage(document),
		})
		if err != nil || result.Decision != c.want {
			t.Errorf("%s: %s %v, want %s\n%s", name, result.Decision, err, c.want, document)
		}
	}
}
