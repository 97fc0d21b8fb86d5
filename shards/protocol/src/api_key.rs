//! The APIs: their numbers, versions and messages.

use crate::frame::{Message, Request};
use crate::messages;
use crate::schema::Api;
use crate::table::versions;
use std::fmt;

macro_rules! apis {
    ($(
        $name:ident = $key:literal, $versions:tt flexible $flexible:tt advertised $advertised:tt,
            $request:ident, $response:ident;
    )*) => {
        /// An API that this crate knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!("Kafka's API ", stringify!($key), ".")]
                $name = $key,
            )*
        }

        impl ApiKey {
            /// All of them, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The API with this number.
            #[must_use]
            pub const fn from_key(key: i16) -> Option<Self> {
                match key {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its versions and tables.
            #[must_use]
            pub const fn api(self) -> &'static Api {
                match self {
                    $(Self::$name => {
                        const API: Api = Api {
                            key: ApiKey::$name,
                            name: stringify!($name),
                            versions: versions!($versions),
                            flexible: versions!($flexible),
                            advertised: versions!($advertised),
                            request: &messages::$request::SCHEMA,
                            response: &messages::$response::SCHEMA,
                        };
                        &API
                    })*
                }
            }
        }

        $(
            impl Message for messages::$request {
                const API: ApiKey = ApiKey::$name;
            }

            impl Request for messages::$request {
                type Response = messages::$response;
            }

            impl Message for messages::$response {
                const API: ApiKey = ApiKey::$name;
            }
        )*
    };
}

impl ApiKey {
    /// The number.
    #[must_use]
    pub const fn key(self) -> i16 {
        self as i16
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.api().name)
    }
}

/// Hands the list of all APIs to a macro: for the table below, and for whoever has to do something for each of them,
/// such as tests. A line gives the name and number, the versions (as Kafka defines them, those that are flexible, and
/// those that a Kafka 4.3 broker advertises), and the types of request and response in [`messages`].
#[macro_export]
macro_rules! for_each_api {
    ($callback:ident) => {
        $callback! {
            Produce = 0, [3-13] flexible [9+] advertised [0-13],
                ProduceRequest, ProduceResponse;
            Fetch = 1, [4-18] flexible [12+] advertised [4-18],
                FetchRequest, FetchResponse;
            ListOffsets = 2, [1-11] flexible [6+] advertised [1-11],
                ListOffsetsRequest, ListOffsetsResponse;
            Metadata = 3, [0-13] flexible [9+] advertised [0-13],
                MetadataRequest, MetadataResponse;
            OffsetCommit = 8, [2-10] flexible [8+] advertised [2-10],
                OffsetCommitRequest, OffsetCommitResponse;
            OffsetFetch = 9, [1-10] flexible [6+] advertised [1-10],
                OffsetFetchRequest, OffsetFetchResponse;
            FindCoordinator = 10, [0-6] flexible [3+] advertised [0-6],
                FindCoordinatorRequest, FindCoordinatorResponse;
            JoinGroup = 11, [0-9] flexible [6+] advertised [0-9],
                JoinGroupRequest, JoinGroupResponse;
            Heartbeat = 12, [0-4] flexible [4+] advertised [0-4],
                HeartbeatRequest, HeartbeatResponse;
            LeaveGroup = 13, [0-5] flexible [4+] advertised [0-5],
                LeaveGroupRequest, LeaveGroupResponse;
            SyncGroup = 14, [0-5] flexible [4+] advertised [0-5],
                SyncGroupRequest, SyncGroupResponse;
            DescribeGroups = 15, [0-6] flexible [5+] advertised [0-6],
                DescribeGroupsRequest, DescribeGroupsResponse;
            ListGroups = 16, [0-5] flexible [3+] advertised [0-5],
                ListGroupsRequest, ListGroupsResponse;
            SaslHandshake = 17, [0-1] flexible [none] advertised [0-1],
                SaslHandshakeRequest, SaslHandshakeResponse;
            ApiVersions = 18, [0-4] flexible [3+] advertised [0-4],
                ApiVersionsRequest, ApiVersionsResponse;
            CreateTopics = 19, [2-7] flexible [5+] advertised [2-7],
                CreateTopicsRequest, CreateTopicsResponse;
            DeleteTopics = 20, [1-6] flexible [4+] advertised [1-6],
                DeleteTopicsRequest, DeleteTopicsResponse;
            DeleteRecords = 21, [0-2] flexible [2+] advertised [0-2],
                DeleteRecordsRequest, DeleteRecordsResponse;
            InitProducerId = 22, [0-6] flexible [2+] advertised [0-5],
                InitProducerIdRequest, InitProducerIdResponse;
            OffsetForLeaderEpoch = 23, [2-4] flexible [4+] advertised [2-4],
                OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
            AddPartitionsToTxn = 24, [0-5] flexible [3+] advertised [0-5],
                AddPartitionsToTxnRequest, AddPartitionsToTxnResponse;
            AddOffsetsToTxn = 25, [0-4] flexible [3+] advertised [0-4],
                AddOffsetsToTxnRequest, AddOffsetsToTxnResponse;
            EndTxn = 26, [0-5] flexible [3+] advertised [0-5],
                EndTxnRequest, EndTxnResponse;
            WriteTxnMarkers = 27, [1-2] flexible [1+] advertised [1-2],
                WriteTxnMarkersRequest, WriteTxnMarkersResponse;
            TxnOffsetCommit = 28, [0-5] flexible [3+] advertised [0-5],
                TxnOffsetCommitRequest, TxnOffsetCommitResponse;
            DescribeAcls = 29, [1-3] flexible [2+] advertised [1-3],
                DescribeAclsRequest, DescribeAclsResponse;
            CreateAcls = 30, [1-3] flexible [2+] advertised [1-3],
                CreateAclsRequest, CreateAclsResponse;
            DeleteAcls = 31, [1-3] flexible [2+] advertised [1-3],
                DeleteAclsRequest, DeleteAclsResponse;
            DescribeConfigs = 32, [1-4] flexible [4+] advertised [1-4],
                DescribeConfigsRequest, DescribeConfigsResponse;
            AlterConfigs = 33, [0-2] flexible [2+] advertised [0-2],
                AlterConfigsRequest, AlterConfigsResponse;
            AlterReplicaLogDirs = 34, [1-2] flexible [2+] advertised [1-2],
                AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse;
            DescribeLogDirs = 35, [1-5] flexible [2+] advertised [1-5],
                DescribeLogDirsRequest, DescribeLogDirsResponse;
            SaslAuthenticate = 36, [0-2] flexible [2+] advertised [0-2],
                SaslAuthenticateRequest, SaslAuthenticateResponse;
            CreatePartitions = 37, [0-3] flexible [2+] advertised [0-3],
                CreatePartitionsRequest, CreatePartitionsResponse;
            CreateDelegationToken = 38, [1-3] flexible [2+] advertised [1-3],
                CreateDelegationTokenRequest, CreateDelegationTokenResponse;
            RenewDelegationToken = 39, [1-2] flexible [2+] advertised [1-2],
                RenewDelegationTokenRequest, RenewDelegationTokenResponse;
            ExpireDelegationToken = 40, [1-2] flexible [2+] advertised [1-2],
                ExpireDelegationTokenRequest, ExpireDelegationTokenResponse;
            DescribeDelegationToken = 41, [1-3] flexible [2+] advertised [1-3],
                DescribeDelegationTokenRequest, DescribeDelegationTokenResponse;
            DeleteGroups = 42, [0-2] flexible [2+] advertised [0-2],
                DeleteGroupsRequest, DeleteGroupsResponse;
            ElectLeaders = 43, [0-2] flexible [2+] advertised [0-2],
                ElectLeadersRequest, ElectLeadersResponse;
            IncrementalAlterConfigs = 44, [0-1] flexible [1+] advertised [0-1],
                IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
            AlterPartitionReassignments = 45, [0-1] flexible [0+] advertised [0-1],
                AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse;
            ListPartitionReassignments = 46, [0] flexible [0+] advertised [0],
                ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse;
            OffsetDelete = 47, [0] flexible [none] advertised [0],
                OffsetDeleteRequest, OffsetDeleteResponse;
            DescribeClientQuotas = 48, [0-1] flexible [1+] advertised [0-1],
                DescribeClientQuotasRequest, DescribeClientQuotasResponse;
            AlterClientQuotas = 49, [0-1] flexible [1+] advertised [0-1],
                AlterClientQuotasRequest, AlterClientQuotasResponse;
            DescribeUserScramCredentials = 50, [0] flexible [0+] advertised [0],
                DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse;
            AlterUserScramCredentials = 51, [0] flexible [0+] advertised [0],
                AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse;
            DescribeQuorum = 55, [0-2] flexible [0+] advertised [0-2],
                DescribeQuorumRequest, DescribeQuorumResponse;
            UpdateFeatures = 57, [0-2] flexible [0+] advertised [0-2],
                UpdateFeaturesRequest, UpdateFeaturesResponse;
            DescribeCluster = 60, [0-2] flexible [0+] advertised [0-2],
                DescribeClusterRequest, DescribeClusterResponse;
            DescribeProducers = 61, [0] flexible [0+] advertised [0],
                DescribeProducersRequest, DescribeProducersResponse;
            UnregisterBroker = 64, [0] flexible [0+] advertised [0],
                UnregisterBrokerRequest, UnregisterBrokerResponse;
            DescribeTransactions = 65, [0] flexible [0+] advertised [0],
                DescribeTransactionsRequest, DescribeTransactionsResponse;
            ListTransactions = 66, [0-2] flexible [0+] advertised [0-2],
                ListTransactionsRequest, ListTransactionsResponse;
            ConsumerGroupHeartbeat = 68, [0-1] flexible [0+] advertised [0-1],
                ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
            ConsumerGroupDescribe = 69, [0-1] flexible [0+] advertised [0-1],
                ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
            GetTelemetrySubscriptions = 71, [0] flexible [0+] advertised [0],
                GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse;
            PushTelemetry = 72, [0] flexible [0+] advertised [0],
                PushTelemetryRequest, PushTelemetryResponse;
            ListConfigResources = 74, [0-1] flexible [0+] advertised [0-1],
                ListConfigResourcesRequest, ListConfigResourcesResponse;
            DescribeTopicPartitions = 75, [0] flexible [0+] advertised [0],
                DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse;
            ShareGroupHeartbeat = 76, [1] flexible [0+] advertised [1],
                ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse;
            ShareGroupDescribe = 77, [1] flexible [0+] advertised [1],
                ShareGroupDescribeRequest, ShareGroupDescribeResponse;
            ShareFetch = 78, [1-2] flexible [0+] advertised [1-2],
                ShareFetchRequest, ShareFetchResponse;
            ShareAcknowledge = 79, [1-2] flexible [0+] advertised [1-2],
                ShareAcknowledgeRequest, ShareAcknowledgeResponse;
            AddRaftVoter = 80, [0-1] flexible [0+] advertised [0-1],
                AddRaftVoterRequest, AddRaftVoterResponse;
            RemoveRaftVoter = 81, [0] flexible [0+] advertised [0],
                RemoveRaftVoterRequest, RemoveRaftVoterResponse;
            InitializeShareGroupState = 83, [0] flexible [0+] advertised [0],
                InitializeShareGroupStateRequest, InitializeShareGroupStateResponse;
            ReadShareGroupState = 84, [0] flexible [0+] advertised [0],
                ReadShareGroupStateRequest, ReadShareGroupStateResponse;
            WriteShareGroupState = 85, [0-1] flexible [0+] advertised [0-1],
                WriteShareGroupStateRequest, WriteShareGroupStateResponse;
            DeleteShareGroupState = 86, [0] flexible [0+] advertised [0],
                DeleteShareGroupStateRequest, DeleteShareGroupStateResponse;
            ReadShareGroupStateSummary = 87, [0-1] flexible [0+] advertised [0-1],
                ReadShareGroupStateSummaryRequest, ReadShareGroupStateSummaryResponse;
            StreamsGroupHeartbeat = 88, [0] flexible [0+] advertised [0],
                StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse;
            StreamsGroupDescribe = 89, [0] flexible [0+] advertised [0],
                StreamsGroupDescribeRequest, StreamsGroupDescribeResponse;
            DescribeShareGroupOffsets = 90, [0-1] flexible [0+] advertised [0-1],
                DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse;
            AlterShareGroupOffsets = 91, [0] flexible [0+] advertised [0],
                AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse;
            DeleteShareGroupOffsets = 92, [0] flexible [0+] advertised [0],
                DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse;
        }
    };
}

for_each_api!(apis);
