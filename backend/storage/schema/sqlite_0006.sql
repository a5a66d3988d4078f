-- Full-text search over titles and messages. The index (FTS5) holds words only, not the texts a second time. Its rows are
-- numbered by a table of their own: the rowid of a table with a text key may change when the file is compacted.

CREATE TABLE conversations_search_places (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE conversations_search USING fts5 (
    words, content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
CREATE TRIGGER conversations_search_insert AFTER INSERT ON conversations BEGIN
    INSERT INTO conversations_search_places (id) VALUES (new.id);
    INSERT INTO conversations_search (rowid, words)
        SELECT place, new.title FROM conversations_search_places WHERE id = new.id;
END;
CREATE TRIGGER conversations_search_update AFTER UPDATE OF title ON conversations WHEN old.title <> new.title BEGIN
    INSERT INTO conversations_search (conversations_search, rowid, words)
        SELECT 'delete', place, old.title FROM conversations_search_places WHERE id = old.id;
    INSERT INTO conversations_search (rowid, words)
        SELECT place, new.title FROM conversations_search_places WHERE id = new.id;
END;
CREATE TRIGGER conversations_search_delete AFTER DELETE ON conversations BEGIN
    INSERT INTO conversations_search (conversations_search, rowid, words)
        SELECT 'delete', place, old.title FROM conversations_search_places WHERE id = old.id;
    DELETE FROM conversations_search_places WHERE id = old.id;
END;

CREATE TABLE messages_search_places (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE messages_search USING fts5 (
    words, content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
CREATE TRIGGER messages_search_insert AFTER INSERT ON messages BEGIN
    INSERT INTO messages_search_places (id) VALUES (new.id);
    INSERT INTO messages_search (rowid, words)
        SELECT place, new.content FROM messages_search_places WHERE id = new.id;
END;
CREATE TRIGGER messages_search_update AFTER UPDATE OF content ON messages WHEN old.content <> new.content BEGIN
    INSERT INTO messages_search (messages_search, rowid, words)
        SELECT 'delete', place, old.content FROM messages_search_places WHERE id = old.id;
    INSERT INTO messages_search (rowid, words)
        SELECT place, new.content FROM messages_search_places WHERE id = new.id;
END;
CREATE TRIGGER messages_search_delete AFTER DELETE ON messages BEGIN
    INSERT INTO messages_search (messages_search, rowid, words)
        SELECT 'delete', place, old.content FROM messages_search_places WHERE id = old.id;
    DELETE FROM messages_search_places WHERE id = old.id;
END;

INSERT INTO conversations_search_places (id) SELECT id FROM conversations;
INSERT INTO conversations_search (rowid, words)
    SELECT place, title FROM conversations JOIN conversations_search_places USING (id);
INSERT INTO messages_search_places (id) SELECT id FROM messages;
INSERT INTO messages_search (rowid, words)
    SELECT place, content FROM messages JOIN messages_search_places USING (id);
