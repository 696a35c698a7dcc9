package policy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// catalogue is the shape of catalogue/actions.json: what data.catalogue is for the Rego modules.
type catalogue struct {
	Date     string `json:"date"`
	Source   string `json:"source"`
	Services map[string]struct {
		Resources map[string]string `json:"resources"`
		Actions   map[string]struct {
			Access    string   `json:"access"`
			Resources []string `json:"resources"`
		} `json:"actions"`
	} `json:"services"`
	Permissions map[string][]string `json:"permissions"`
}

func readCatalogue(t *testing.T) catalogue {
	t.Helper()
	file, err := os.Open("catalogue/actions.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	var read catalogue
	if err := decoder.Decode(&read); err != nil {
		t.Fatal(err)
	}
	return read
}

// The access levels of the Service Authorization Reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
var accessLevels = []string{"List", "Read", "Write", "Tagging", "Permissions management"}

func TestCatalogueIsConsistent(t *testing.T) {
	read := readCatalogue(t)
	if _, err := time.Parse(time.DateOnly, read.Date); err != nil {
		t.Errorf("date: %v", err)
	}
	services := []string{"dynamodb", "iam", "kms", "lambda", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts"}
	for _, prefix := range services {
		if len(read.Services[prefix].Actions) == 0 {
			t.Errorf("%s: no actions", prefix)
		}
	}
	for prefix, actions := range read.Permissions {
		if _, twice := read.Services[prefix]; twice || len(actions) == 0 || !slices.IsSorted(actions) {
			t.Errorf("permissions of %s: %v, which are none, not sorted, or those of a service that is there as a whole", prefix, actions)
		}
	}
	arn := regexp.MustCompile(`^arn:\$\{Partition\}:[a-z0-9-]+:[^:]*:[^:]*:.+$`)
	name := regexp.MustCompile(`^[A-Z][A-Za-z0-9]+$`)
	for prefix, service := range read.Services {
		for kind, format := range service.Resources {
			if !arn.MatchString(format) {
				t.Errorf("%s: the format of resource %q is no ARN: %s", prefix, kind, format)
			}
		}
		folded := map[string]string{}
		used := map[string]bool{}
		for action, facts := range service.Actions {
			if !name.MatchString(action) {
				t.Errorf("%s:%s is not the name of an action", prefix, action)
			}
			if twin, twice := folded[strings.ToLower(action)]; twice {
				t.Errorf("%s:%s and %s differ in letter case only", prefix, action, twin)
			}
			folded[strings.ToLower(action)] = action
			if !slices.Contains(accessLevels, facts.Access) {
				t.Errorf("%s:%s has the access level %q", prefix, action, facts.Access)
			}
			if !slices.IsSorted(facts.Resources) {
				t.Errorf("%s:%s: resources are not sorted: %v", prefix, action, facts.Resources)
			}
			for _, kind := range facts.Resources {
				used[kind] = true
				if _, known := service.Resources[kind]; !known {
					t.Errorf("%s:%s acts on %q, whose ARN is not given", prefix, action, kind)
				}
			}
		}
		for kind := range service.Resources {
			if !used[kind] && !partOfResourcesOnly[prefix+" "+kind] {
				t.Errorf("%s: no action acts on %q", prefix, kind)
			}
		}
	}
}

// Resource types that the reference defines for conditions and session policies, and no action of the service takes.
var partOfResourcesOnly = map[string]bool{"sts self-session": true, "sts context-provider": true, "ssm managed-instance-inventory": true}

func TestCatalogueFacts(t *testing.T) {
	read := readCatalogue(t)
	for action, want := range map[string]string{
		"s3:GetObject": "Read object", "s3:GetObjectVersion": "Read object", "s3:ListBucket": "List bucket", "s3:ListBucketVersions": "List bucket",
		"s3:ListAllMyBuckets": "List", "s3:ListMultipartUploadParts": "List object", "s3:PutObject": "Write object", "s3:DeleteObject": "Write object",
		"s3:DeleteObjectVersion": "Write object", "s3:AbortMultipartUpload": "Write object", "s3:PutObjectTagging": "Tagging object",
		"s3:PutBucketTagging": "Tagging bucket", "s3:PutObjectAcl": "Permissions management object", "s3:PutBucketPolicy": "Permissions management bucket",
		"s3:DeleteBucketPolicy": "Permissions management bucket", "s3:PutBucketPublicAccessBlock": "Permissions management bucket",
		"s3:PutAccountPublicAccessBlock": "Permissions management", "s3:BypassGovernanceRetention": "Permissions management object",
		"s3:GetBucketLocation": "Read bucket", "s3:PutReplicationConfiguration": "Write bucket", "s3:ReplicateObject": "Write object",
		"s3:ReplicateTags": "Tagging object", "s3:GetObjectVersionForReplication": "Read object", "s3:PutEncryptionConfiguration": "Write bucket",
		"s3:CreateBucket": "Write bucket", "s3:PutBucketNotification": "Write bucket", "s3:GetDataAccess": "Read accessgrantsinstance",
		"s3:CreateAccessGrant": "Permissions management accessgrantslocation", "s3:CreateAccessPoint": "Write accesspoint",
		"s3:PutBucketOwnershipControls": "Permissions management bucket",
		"iam:PassRole":                  "Write role", "iam:PutRolePolicy": "Permissions management role", "iam:ListRoles": "List", "iam:CreatePolicy": "Permissions management policy",
		"dynamodb:GetItem": "Read table", "dynamodb:PutResourcePolicy": "Permissions management table", "kms:GetKeyLastUsage": "Read key",
		"kms:Decrypt": "Write key", "kms:Encrypt": "Write key", "kms:GenerateDataKey": "Write key", "kms:DescribeKey": "Read key",
		"kms:CreateGrant": "Permissions management key", "kms:PutKeyPolicy": "Permissions management key", "kms:ListKeys": "List", "kms:CreateKey": "Write",
		"kms:TagResource": "Tagging key", "kms:ScheduleKeyDeletion": "Write key",
		"sts:AssumeRole": "Write role", "sts:AssumeRoleWithWebIdentity": "Write role", "sts:GetCallerIdentity": "Read", "sts:TagSession": "Tagging role",
		"sqs:SendMessage": "Write queue", "sqs:ReceiveMessage": "Read queue", "sqs:AddPermission": "Permissions management queue", "sqs:ListQueues": "List",
		"sqs:SetQueueAttributes": "Permissions management queue", "sqs:TagQueue": "Tagging queue",
		"sns:Publish": "Write topic", "sns:Subscribe": "Write topic", "sns:AddPermission": "Permissions management topic", "sns:ListTopics": "List",
		"ssm:GetParameter": "Read parameter", "ssm:PutParameter": "Write parameter", "ssm:DescribeParameters": "List", "ssm:StartSession": "Write instance",
		"ssm:ModifyDocumentPermission": "Permissions management document", "ssm:AddTagsToResource": "Tagging parameter",
		"secretsmanager:GetSecretValue": "Read Secret", "secretsmanager:PutResourcePolicy": "Permissions management Secret", "secretsmanager:ListSecrets": "List",
		"secretsmanager:PutSecretValue": "Write Secret", "secretsmanager:TagResource": "Tagging Secret",
		"lambda:InvokeFunction": "Write function", "lambda:AddPermission": "Permissions management function", "lambda:GetFunction": "Read function",
		"lambda:CreateFunction": "Write function", "lambda:ListFunctions": "List", "lambda:TagResource": "Tagging function",
		"lambda:AddLayerVersionPermission": "Permissions management layerVersion",
	} {
		prefix, name, _ := strings.Cut(action, ":")
		facts, known := read.Services[prefix].Actions[name]
		if !known {
			t.Errorf("%s is missing", action)
			continue
		}
		access, kind := want, ""
		for _, level := range accessLevels {
			if rest, found := strings.CutPrefix(want, level); found {
				access, kind = level, strings.TrimSpace(rest)
			}
		}
		if facts.Access != access {
			t.Errorf("%s: access level %s, want %s", action, facts.Access, access)
		}
		if kind == "" && len(facts.Resources) > 0 || kind != "" && !slices.Contains(facts.Resources, kind) {
			t.Errorf("%s: acts on %v, want %q", action, facts.Resources, kind)
		}
	}
}
