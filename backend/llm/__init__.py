"""Language models behind one protocol: grok, openai, ollama and anything that speaks the OpenAI chat protocol."""
