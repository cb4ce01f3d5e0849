-- What a shard hands over to others: parts of parcels, in the order of their numbers, until they are sent.
CREATE TABLE handover (
    shard  integer NOT NULL,
    number bigint  NOT NULL,
    "to"   integer NOT NULL,
    last   boolean NOT NULL,
    body   bytea   STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (shard, number)
);
