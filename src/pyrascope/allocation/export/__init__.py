"""Plans in other forms: crops for models that take pictures, regions of full detail."""
